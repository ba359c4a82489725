//! Network boot: configurations and redirects.

use super::*;

pub(super) fn boot_failure(site: &Site) -> String {
    site.look(|n| n.bmc().boot_failure.as_deref().unwrap_or_default().to_owned())
}

fn network(server: &Server) -> Settings {
    Settings { network_boot: Some(server.url("/boot/")), ..Settings::default() }
}

/// Powers on, performs the network boot, and moves the clock until the boot has ended.
pub(super) async fn boot(site: &mut Site) {
    site.arm(BootTarget::Pxe);
    site.apply(Command::Host(host::Command::Reset(ResetType::On)));
    site.perform_boot().await;
    while site.look(|n| matches!(n.host(), Host::Booting(b) if !matches!(b.stage, Stage::Reading(_)))) {
        site.fleet.clock().set(site.fleet.wake_due());
        site.fleet.wake_due();
    }
}

#[tokio::test]
async fn the_first_interface_with_a_configuration_wins() {
    let mut site = Site::new(Settings::default());
    let mac = site.look(|n| n.spec().mac(1).with('-'));
    let wanted = format!("/boot/pxelinux.cfg/{mac}");
    let server = Server::start(move |request| {
        let script =
            "#!ipxe\nkernel http://x/k ipa-api-url=http://x BOOTIF=${mac}\ninitrd http://x/i\nboot\n";
        if request.uri().path() == wanted { answer(200, script) } else { answer(404, "") }
    })
    .await;
    site = Site::new(network(&server));
    boot(&mut site).await;
    let params = site.look(|n| n.ipa().unwrap().params.clone());
    assert_eq!(params.boot_interface.as_deref(), Some(&*site.look(|n| n.spec().mac(1).to_string())));
    assert_eq!(server.requests().len(), 4, "three names for the first interface, one for the second");
}

#[tokio::test]
async fn a_script_can_chain_to_another() {
    let server = Server::start(|request| match request.uri().path() {
        "/boot/next" => answer(200, "#!ipxe\nkernel k root=live:x\nboot\n"),
        path if path.contains("pxelinux.cfg") && !path.ends_with("gone") => {
            answer(200, "#!ipxe\nchain gone || chain ../next\n")
        }
        _ => answer(404, ""),
    })
    .await;
    let mut site = Site::new(network(&server));
    boot(&mut site).await;
    assert!(site.look(|n| matches!(n.host(), Host::Running { what: crate::node::host::Running::Live, .. })));
}

#[tokio::test]
async fn a_network_without_a_configuration_fails_the_boot() {
    let server = Server::start(|_| answer(404, "")).await;
    let mut site = Site::new(network(&server));
    boot(&mut site).await;
    assert!(boot_failure(&site).contains("nothing is published"), "{}", boot_failure(&site));
    let mut site = Site::new(Settings::default());
    boot(&mut site).await;
    assert_eq!(boot_failure(&site), "Pxe: no network boot is configured");
    let network_boot = Some(dead_server());
    let mut site = Site::new(Settings { network_boot, ..Settings::default() });
    boot(&mut site).await;
    assert!(boot_failure(&site).to_lowercase().contains("connect"), "{}", boot_failure(&site));
}

#[tokio::test]
async fn a_machine_with_nothing_to_boot_is_logged_once_and_without_a_warning() {
    let server = Server::start(|_| answer(404, "")).await;
    for settings in [Settings::default(), network(&server)] {
        let mut site = Site::new(settings);
        let (log, _guard) = Log::start(Level::INFO);
        site.apply(Command::Host(host::Command::Reset(ResetType::On)));
        site.perform_boot().await;
        assert!(site.look(|n| n.host().has_nothing_to_boot()));
        let lines = log.lines();
        let uuid = site.look(|n| n.spec().uuid());
        let line =
            format!("INFO fauxmetal::node: nothing to boot; the machine stays on node=generic-0 uuid={uuid}");
        assert_eq!(lines.iter().filter(|one| **one == line).count(), 1, "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains("WARN")), "{lines:?}");
        assert!(!boot_failure(&site).is_empty(), "clients see the reason");
    }
    // A client that selects the network expects a system there.
    let mut site = Site::new(Settings::default());
    site.arm(BootTarget::Pxe);
    let (log, _guard) = Log::start(Level::INFO);
    site.apply(Command::Host(host::Command::Reset(ResetType::On)));
    site.perform_boot().await;
    site.perform_boot().await;
    let lines = log.lines();
    let warnings: Vec<_> = lines.iter().filter(|line| line.starts_with("WARN")).collect();
    assert!(
        warnings.len() == 1 && warnings[0].starts_with("WARN fauxmetal::effect: boot failed"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_few_redirects_are_followed_but_none_to_a_file() {
    let to = |location: String| {
        let mut response = answer(302, "");
        response.headers_mut().insert("location", location.parse().unwrap());
        response
    };
    let server = Server::start(move |request| {
        let left = |path: &str| path.rsplit('/').next().and_then(|n| n.parse::<u32>().ok());
        match (request.uri().path(), left(request.uri().path())) {
            (_, Some(0)) => answer(200, "#!ipxe\nkernel k quiet\nboot\n"),
            (_, Some(n)) => to(format!("/{}", n - 1)),
            (path, None) if path.starts_with("/five/") => to("/4".into()),
            (path, None) if path.starts_with("/six/") => to("/5".into()),
            _ => to("file:///etc/passwd".into()),
        }
    })
    .await;
    for (base, good) in [("/five", true), ("/six", false), ("/file", false)] {
        let network_boot = Some(server.url(base));
        let mut site = Site::new(Settings { network_boot, ..Settings::default() });
        boot(&mut site).await;
        assert_eq!(boot_failure(&site).is_empty(), good, "{base}: {}", boot_failure(&site));
    }
}
