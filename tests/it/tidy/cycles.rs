//! No import cycle in `src/` holds more than two files.
//!
//! An import is a `use` declaration outside of tests. It points to the file of the longest module path in it: `use
//! crate::node::bmc::Bmc` points to `node/bmc/mod.rs`. So a `mod.rs` that imports its children and defines a type that they
//! import is part of their cycle; a type that several files need has a file of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Source, without_tests};

/// A module path: `["node", "bmc"]` for `src/node/bmc/mod.rs`.
type Module = Vec<String>;

#[test]
fn no_import_cycle_has_more_than_two_files() {
    let wrong: Vec<_> =
        cycles(&imports(&super::sources("src"))).into_iter().filter(|cycle| cycle.len() > 2).collect();
    assert!(wrong.is_empty(), "import cycles of more than two files: {wrong:#?}");
}

/// The files that each file imports.
fn imports(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let files: BTreeMap<Module, String> =
        sources.iter().map(|source| (module_of(&source.path), source.name())).collect();
    let of_file = |source: &Source| {
        let me = module_of(&source.path);
        let used = uses(&without_tests(&source.text));
        let targets = used.iter().filter_map(|path| files.get(&target(&me, path, &files)?).cloned());
        let name = source.name();
        (name.clone(), targets.filter(|target| *target != name).collect())
    };
    sources.iter().filter(|source| !source.is_test()).map(of_file).collect()
}

fn module_of(path: &Path) -> Module {
    let mut module: Module =
        path.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    module.pop_if(|last| ["mod", "lib"].contains(&last.as_str()));
    module
}

/// The module that a path of a `use` declaration in `me` leads to; `None` for a path into another crate.
fn target(me: &Module, path: &[String], files: &BTreeMap<Module, String>) -> Option<Module> {
    let (mut module, mut rest) = match path.first()?.as_str() {
        "crate" => (Module::new(), &path[1..]),
        "self" => (me.clone(), &path[1..]),
        "super" => {
            let levels = path.iter().take_while(|part| *part == "super").count();
            (me[..me.len() - levels].to_vec(), &path[levels..])
        }
        child => {
            let child = [me.as_slice(), &[child.to_owned()]].concat();
            files.contains_key(&child).then(|| (me.clone(), path))?
        }
    };
    while let [next, after @ ..] = rest {
        let child = [module.as_slice(), std::slice::from_ref(next)].concat();
        if !files.contains_key(&child) {
            break;
        }
        (module, rest) = (child, after);
    }
    Some(module)
}

/// The paths of all `use` declarations.
fn uses(text: &str) -> Vec<Vec<String>> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join(" ");
    let declarations = code.split("use ").skip(1).filter_map(|rest| rest.split_once(';'));
    declarations.flat_map(|(tree, _)| expand(tree)).collect()
}

/// `a::{b, c::d}` is the paths `a::b` and `a::c::d`.
fn expand(tree: &str) -> Vec<Vec<String>> {
    let Some((head, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.split("::").map(|part| part.trim().to_owned()).collect()];
    };
    let head: Vec<String> =
        head.split("::").map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned).collect();
    let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    let (mut branches, mut depth) = (vec![String::new()], 0);
    for c in inside.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match (c, depth) {
            (',', 0) => branches.push(String::new()),
            _ => branches.last_mut().unwrap().push(c),
        }
    }
    let branches = branches.iter().filter(|branch| !branch.trim().is_empty());
    branches.flat_map(|branch| expand(branch)).map(|tail| [head.as_slice(), &tail].concat()).collect()
}

/// Sets of files that all lead to each other.
fn cycles(imports: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<BTreeSet<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        imports.keys().map(|file| (file, reach(file, imports))).collect();
    let cycle = |(file, from): (&&String, &BTreeSet<&String>)| {
        let back = from.iter().filter(|other| reached.get(*other).is_some_and(|from| from.contains(*file)));
        back.map(|file| (*file).clone()).collect::<BTreeSet<String>>()
    };
    reached.iter().map(cycle).filter(|files| files.len() > 1).collect()
}

fn reach<'i>(file: &String, imports: &'i BTreeMap<String, BTreeSet<String>>) -> BTreeSet<&'i String> {
    let (mut found, mut todo) = (BTreeSet::new(), vec![file]);
    while let Some(file) = todo.pop() {
        for next in imports.get(file).into_iter().flatten() {
            if found.insert(next) {
                todo.push(next);
            }
        }
    }
    found
}

#[test]
fn the_paths_of_a_use_declaration_are_found() {
    let text = "use crate::node::{Node, bmc::{self, Bmc}};\npub use super::x as y; // use crate::no;\n";
    let paths: Vec<String> = uses(text).iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["crate::node::Node", "crate::node::bmc::self", "crate::node::bmc::Bmc", "super::x"]);
}
