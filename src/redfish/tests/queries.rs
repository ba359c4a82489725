//! Query parameters on real documents: filters, excerpts, and combinations.

use proptest::prelude::*;

use super::*;
use crate::redfish::query::Search;

const SYSTEMS: &str = "/redfish/v1/Systems";

/// A service with `nodes` machines, of which the first three have an asset tag: `a`, `b` and `c`.
fn fleet(nodes: u32) -> Bench {
    let bench = Bench::new();
    if nodes > 3 {
        bench.redfish.fleet.add(&built_in("generic").unwrap(), nodes - 3).unwrap();
    }
    for (uri, tag) in members(&bench.get(SYSTEMS)).iter().zip(["a", "b", "c"]) {
        assert_eq!(bench.write("PATCH", uri, &json!({ "AssetTag": tag })).status, 204);
    }
    bench
}

fn members(answer: &Answer) -> Vec<String> {
    let members = answer.json["Members"].as_array().unwrap_or_else(|| panic!("{}", answer.json));
    members.iter().map(|member| member["@odata.id"].as_str().unwrap().to_owned()).collect()
}

/// A query with its spaces encoded.
fn asked(query: &str) -> String {
    format!("{SYSTEMS}?{}", query.replace(' ', "%20"))
}

/// The members of all pages, and the number of pages. The last page has the count of the members.
fn all_pages(bench: &Bench, uri: String) -> (Vec<String>, usize) {
    let (mut joined, mut pages, mut next) = (Vec::new(), 0, Some(uri));
    while let Some(uri) = next {
        let page = bench.get(&uri);
        joined.extend(members(&page));
        pages += 1;
        next = page.json["Members@odata.nextLink"].as_str().map(str::to_owned);
        if next.is_none() && !uri.contains("$skip=") {
            assert_eq!(page.json["Members@odata.count"], joined.len(), "{uri}");
        }
        assert!(pages < 50, "{uri}");
    }
    (joined, pages)
}

#[test]
fn a_filter_keeps_the_members_for_which_it_is_true() {
    let bench = fleet(3);
    let all = members(&bench.get(SYSTEMS));
    for (filter, wanted) in [
        ("AssetTag eq 'a'", &all[..1]),
        ("AssetTag gt 'a'", &all[1..]),
        ("not (AssetTag eq 'c') and PowerState eq 'Off'", &all[..2]),
        ("AssetTag eq 'a' or AssetTag eq 'b' or Status/Health eq 'Critical'", &all[..2]),
        ("ProcessorSummary/Count gt 0", &all[..]),
        ("AssetTag eq null", &[]),
    ] {
        let answer = bench.get(&asked(&format!("$filter={filter}")));
        assert_eq!((answer.status, members(&answer)), (200, wanted.to_vec()), "{filter}");
        assert_eq!(answer.json["Members@odata.count"], wanted.len(), "{filter}");
        assert_eq!(answer.json.get("Members@odata.nextLink"), None, "{filter}");
    }
    let ids = format!("{}/Processors?$filter=Socket+ne+null+and+Id+ne+%27x%27", bench.system);
    let processors = bench.get(&ids);
    assert_eq!(members(&processors), members(&bench.get(&format!("{}/Processors", bench.system))));
    let none = bench.get(&format!("{}/Processors?$filter=Id%20eq%20'x'", bench.system));
    assert_eq!((&none.json["Members"], &none.json["Members@odata.count"]), (&json!([]), &json!(0)));
}

#[test]
fn a_filter_that_cannot_be_answered_is_refused() {
    let bench = fleet(3);
    for (query, message) in [
        ("$filter=AssetTag eq", "QueryParameterValueFormatError"),
        ("$filter=AssetTag eq 5", "QueryParameterValueTypeError"),
        ("$filter=PowerState and true", "QueryParameterValueTypeError"),
        ("only&$filter=AssetTag eq 'a'", "QueryCombinationInvalid"),
        ("$filter=AssetTag eq 'a'&$filter=AssetTag eq 'a'", "QueryCombinationInvalid"),
    ] {
        let answer = bench.get(&asked(query));
        assert_eq!((answer.status, answer.message_ids()), (400, vec![message]), "{query}");
    }
    let answer = bench.get(&asked("$filter=AssetTag eq 5"));
    let said = answer.json["error"]["message"].as_str().unwrap();
    assert_eq!(
        said,
        "The value 'AssetTag eq 5' for the query parameter $filter is not a type that the parameter can accept."
    );
    for uri in [&bench.system, "/redfish/v1", "/redfish/v1/$metadata"] {
        let answer = bench.get(&format!("{uri}?$filter=Id%20eq%20'x'"));
        assert_eq!(
            (answer.status, answer.message_ids()),
            (400, vec!["QueryNotSupportedOnResource"]),
            "{uri}"
        );
    }
    let unknown = bench.send("GET", &asked("$filter=AssetTag eq 'a'"), &[], b"");
    assert_eq!(unknown.status, 401);
}

#[test]
fn a_filter_comes_before_pages_expansion_and_selection() {
    let bench = fleet(3);
    let all = members(&bench.get(SYSTEMS));
    let filter = "$filter=AssetTag ne 'b'";
    let page = bench.get(&asked(&format!("$top=1&{filter}&$skip=1")));
    assert_eq!((members(&page), &page.json["Members@odata.count"]), (vec![all[2].clone()], &json!(2)));
    assert_eq!(page.json.get("Members@odata.nextLink"), None);
    let (joined, pages) = all_pages(&bench, asked(&format!("{filter}&$top=1")));
    assert_eq!((joined, pages), (vec![all[0].clone(), all[2].clone()], 2));
    let shown = bench.get(&asked(&format!("$select=AssetTag&$expand=.&{filter}&$count=true"))).json;
    let tags: Vec<_> =
        shown["Members"].as_array().unwrap().iter().map(|member| &member["AssetTag"]).collect();
    assert_eq!(tags, ["a", "c"]);
    assert_eq!(shown["Members"][0].get("PowerState"), None);
}

#[test]
fn a_long_search_goes_on_page_by_page() {
    let nodes = Search::MAX_READ as u32 + 300;
    let bench = fleet(nodes);
    let last = members(&bench.get(&asked(&format!("$skip={}", nodes - 1)))).remove(0);
    assert_eq!(bench.write("PATCH", &last, &json!({"AssetTag": "a"})).status, 204);
    let first = bench.get(&asked("$filter=AssetTag eq 'a'"));
    assert_eq!(
        (members(&first).len(), &first.json["Members@odata.count"]),
        (1, &json!(1)),
        "as far as it is known"
    );
    let (joined, pages) = all_pages(&bench, asked("$filter=AssetTag eq 'a'"));
    assert_eq!((joined.len(), joined.last(), pages), (2, Some(&last), 2));
    let (joined, _) = all_pages(&bench, asked("$filter=AssetTag eq 'a'&$skip=1&$top=1"));
    assert_eq!(joined, [last]);
    for query in [
        "$filter=PowerState eq 'Off'",
        "$filter=PowerState eq 'Off'&$expand=.&$select=Id",
        "$filter=not (PowerState eq 'On')&$top=500",
    ] {
        let (joined, pages) = all_pages(&bench, asked(query));
        let distinct: std::collections::BTreeSet<_> = joined.iter().collect();
        assert_eq!((joined.len(), distinct.len()), (nodes as usize, nodes as usize), "{query}");
        assert!((3..=6).contains(&pages), "{query}: {pages} pages");
    }
}

#[test]
fn a_search_goes_on_behind_machines_that_are_gone() {
    let bench = fleet(40);
    let page = bench.get(&asked("$filter=PowerState eq 'Off'&$top=10"));
    let next = page.json["Members@odata.nextLink"].as_str().unwrap().to_owned();
    for index in 0..10 {
        bench.redfish.fleet.remove(NodeId(index));
    }
    let forged = bench.get(&asked(&format!(
        "$filter=PowerState eq 'Off'&$skiptoken={0}.{0}.{1}",
        u32::MAX,
        usize::MAX
    )));
    assert_eq!((forged.status, members(&forged)), (200, Vec::new()));
    let forged = bench.get(&asked(&format!("$filter=PowerState eq 'Off'&$skiptoken=0.0.{}", usize::MAX)));
    assert_eq!(forged.status, 200, "a wrong count is the client's own");
    let rest = bench.get(&next);
    assert!(members(&rest).iter().all(|uri| !members(&page).contains(uri)));
    assert_eq!(members(&rest).len(), 10, "no machine is left out");
}

#[test]
fn a_list_of_parts_of_all_machines_is_searched() {
    let bench = fleet(20);
    let inventory = "/redfish/v1/UpdateService/FirmwareInventory";
    let all = members(&bench.get(inventory));
    for size in [7, 512] {
        let (joined, _) =
            all_pages(&bench, format!("{inventory}?$filter=Updateable%20eq%20true&$top={size}"));
        let (others, _) =
            all_pages(&bench, format!("{inventory}?$filter=Updateable%20ne%20true&$top={size}"));
        assert_eq!(joined.len() + others.len(), all.len(), "{size}");
        assert!(joined.iter().all(|uri| !others.contains(uri)));
    }
}

#[test]
fn a_machine_whose_bmc_restarts_is_not_found() {
    let mut bench = fleet(3);
    let manager = members(&bench.get("/redfish/v1/Managers")).remove(0);
    let reset = json!({"ResetType": "ForceRestart"});
    assert_eq!(bench.write("POST", &format!("{manager}/Actions/Manager.Reset"), &reset).status, 204);
    bench.wait(5_000);
    assert_eq!(members(&bench.get(&asked("$filter=PowerState eq 'Off'"))).len(), 2);
}

#[test]
fn an_excerpt_has_the_properties_that_the_schema_marks() {
    let bench = Bench::new();
    let chassis =
        bench.get(&bench.system).json["Links"]["Chassis"][0]["@odata.id"].as_str().unwrap().to_owned();
    let sensors = bench.get(&format!("{chassis}/Sensors?$expand=.&excerpt"));
    let sensors = sensors.json["Members"].as_array().unwrap();
    assert!(!sensors.is_empty());
    for sensor in sensors {
        assert!(sensor["Reading"].is_number() && sensor.get("Name").is_none(), "{sensor}");
        let alone = bench.get(&format!("{}?excerpt", sensor["@odata.id"].as_str().unwrap())).json;
        assert_eq!(&alone, sensor);
    }
    assert_eq!(bench.get(&format!("{}?excerpt", bench.system)).json, bench.get(&bench.system).json);
    let narrow = bench.get(&format!("{chassis}/Sensors?$expand=.&excerpt&$select=Reading")).json;
    assert_eq!(narrow["Members"][0].get("PhysicalContext"), None);
    assert!(narrow["Members"][0]["Reading"].is_number());
}

#[test]
fn the_root_says_which_queries_work() {
    let bench = Bench::new();
    let features = &bench.get("/redfish/v1").json["ProtocolFeaturesSupported"];
    for works in [
        "ExcerptQuery",
        "FilterQuery",
        "FilterQueryComparisonOperations",
        "FilterQueryCompoundOperations",
        "OnlyMemberQuery",
        "SelectQuery",
        "TopSkipQuery",
        "MultipleHTTPRequests",
    ] {
        assert_eq!(features[works], true, "{works}");
    }
    assert_eq!(
        (&features["IncludeOriginOfConditionQuery"], &features["DeepOperations"]["DeepPATCH"]),
        (&json!(false), &json!(true))
    );
}

#[test]
fn a_change_has_no_query() {
    let bench = Bench::new();
    let patch =
        |query: &str| bench.write("PATCH", &format!("{}?{query}", bench.system), &json!({"AssetTag": "x"}));
    for query in ["$select=AssetTag", "x=1&%24filter=true"] {
        let answer = patch(query);
        assert_eq!(
            (answer.status, answer.message_ids()),
            (400, vec!["QueryNotSupportedOnOperation"]),
            "{query}"
        );
    }
    assert_ne!(bench.get(&bench.system).json["AssetTag"], "x");
    assert_eq!(patch("x=1").status, 204, "a parameter without $ is not the specification's");
}

#[test]
fn a_root_of_one_machine_answers_queries() {
    let bench = fleet(3);
    let ask = |query: &str| {
        let request = Request::get(format!("{SYSTEMS}?{query}")).header("Authorization", BASIC);
        let response = bench.redfish.call_own(NodeId(1), |_| true, &request.body(Bytes::new()).unwrap());
        let response = response.unwrap();
        (response.status().as_u16(), serde_json::from_slice::<Value>(response.body()).unwrap())
    };
    let (status, found) = ask("$filter=AssetTag%20eq%20'b'&$expand=.");
    assert_eq!(
        (status, &found["Members"][0]["AssetTag"], &found["Members@odata.count"]),
        (200, &json!("b"), &json!(1))
    );
    assert_eq!(ask("$filter=AssetTag%20eq%20'a'").1["Members"], json!([]));
    assert_eq!(ask("$filter=AssetTag%20eq%201").0, 400);
}

/// A parameter with a value that is right, wrong or senseless.
fn any_parameter() -> impl Strategy<Value = String> {
    let numbers = prop_oneof![0_u32..5, Just(u32::MAX)];
    let filters = prop::sample::select(vec![
        "PowerState%20eq%20'Off'",
        "Id+ne+null",
        "not+(AssetTag+eq+'a')",
        "AssetTag+eq+5",
        "(",
        "x",
        "@odata.id+gt+''",
    ]);
    let paths = prop::sample::select(vec!["Id", "Id,Name", "Boot/BootOrder", "Members/Id", "/", ""]);
    prop_oneof![
        numbers.clone().prop_map(|n| format!("$top={n}")),
        numbers.prop_map(|n| format!("$skip={n}")),
        filters.prop_map(|filter| format!("$filter={filter}")),
        paths.prop_map(|paths| format!("$select={paths}")),
        "[.~*x](\\(\\$levels=[0-5]\\))?".prop_map(|expand| format!("$expand={expand}")),
        "[0-9]{1,3}\\.[0-9]\\.[0-9]".prop_map(|token| format!("$skiptoken={token}")),
        prop::sample::select(vec!["only", "excerpt", "$count=true", "x=1", "$orderby=Id"])
            .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_query_is_answered_or_refused(
        parameters in prop::collection::vec(any_parameter(), 1..4),
        place in 0_usize..5,
    ) {
        static BENCH: std::sync::OnceLock<Bench> = std::sync::OnceLock::new();
        let bench = BENCH.get_or_init(|| fleet(5));
        let system = bench.system.as_str();
        let uri = [SYSTEMS.to_owned(), system.to_owned(), format!("{system}/Processors"), "/redfish/v1".to_owned(),
            "/redfish/v1/UpdateService/FirmwareInventory".to_owned()][place].clone();
        let answer = bench.get(&format!("{uri}?{}", parameters.join("&")));
        prop_assert!([200, 400, 501, 507].contains(&answer.status), "{}", answer.status);
        prop_assert_eq!(answer.json.get("error").is_some(), answer.status != 200);
        if let Some(next) = answer.json["Members@odata.nextLink"].as_str() {
            prop_assert_eq!(bench.get(next).status, 200);
        }
    }
}
