//! The root, sessions, accounts, managers, updates and tasks.

use std::cell::RefCell;

use nv_redfish::account::{
    AccountService, AccountServiceConfig, AccountServiceUpdate, ManagerAccountCreate, ManagerAccountUpdate,
};
use nv_redfish::core::{AsyncTask, EntityTypeRef, ModificationResponse};
use nv_redfish::manager::ManagerUpdate;
use nv_redfish::resource::{PowerState, ResetType};
use nv_redfish::schema::manager::ResetToDefaultsType;
use nv_redfish::schema::update_service::{TransferProtocolType, UpdateServiceSimpleUpdateAction};
use nv_redfish::session_service::SessionCreate;
use nv_redfish::task_service::AsyncActionResult;

use crate::{Bmc, Target, check, done, first, holds, same, some, systems, until};

pub async fn check_all(target: &Target) {
    root(target).await;
    sessions(target).await;
    accounts(target).await;
    managers(target).await;
    updates(target).await;
}

/// A restart of the BMC, after which its sessions are gone.
pub async fn check_reset(target: &Target) {
    check("Manager::reset", async {
        done(target.manager().await?.reset(Some(ResetType::ForceRestart)).await?)?;
        restarted(target).await
    })
    .await;
    check("Manager::reset_to_defaults", async {
        // The answer may be a task.
        let _ = target.manager().await?.reset_to_defaults(ResetToDefaultsType::ResetAll).await?;
        restarted(target).await
    })
    .await;
}

async fn restarted(target: &Target) -> crate::Result {
    until("the BMC goes away", async || Ok(target.manager().await.is_err())).await?;
    until("the BMC comes back", async || Ok(target.manager().await.is_ok())).await
}

async fn root(target: &Target) {
    check("ServiceRoot::new ServiceRoot::vendor ServiceRoot::product ServiceRoot::redfish_version", async {
        let root = target.root().await?;
        same(root.vendor().map(|vendor| vendor.inner().to_string()), root.root.vendor.clone().flatten())?;
        same(root.product().map(|product| product.inner().to_string()), root.root.product.clone().flatten())?;
        holds(some(root.redfish_version(), "RedfishVersion")?.inner().starts_with("1."), "the version is 1.x")
    })
    .await;
    check("ServiceRoot::replace_bmc ServiceRoot::restrict_expand ServiceRoot::compat", async {
        let root = target.root().await?.replace_bmc(target.bmc.clone()).restrict_expand();
        let _ = root.compat();
        // Without $expand, each member is read by itself.
        same(some(root.systems().await?, "Systems")?.members().await?.len(), 1)
    })
    .await;
}

async fn sessions(target: &Target) {
    check("ServiceRoot::session_service SessionService::raw SessionService::sessions SessionCollection::members \
           SessionCollection::create_session Session::raw Session::auth_token Session::location Session::delete", async {
        let service = some(target.root().await?.session_service().await?, "SessionService")?;
        holds(service.raw().session_timeout.is_some(), "sessions have a timeout")?;
        let sessions = some(service.sessions().await?, "Sessions")?;
        let create = SessionCreate::builder(target.user.clone(), target.password.clone()).build();
        let session = sessions.create_session(&create).await?;
        holds(session.auth_token().is_some_and(|token| token.len() > 16), "a session has a token")?;
        let location = some(session.location(), "Location")?.to_string();
        same(session.raw().odata_id().to_string(), location.clone())?;
        let listed = async || -> crate::Result<bool> {
            let members = some(service.sessions().await?, "Sessions")?.members().await?;
            Ok(members.iter().any(|one| one.raw().odata_id().to_string() == location))
        };
        holds(listed().await?, "the new session is in the list")?;
        done(session.delete().await?)?;
        holds(!listed().await?, "the session is gone")
    })
    .await;
}

async fn account_service(target: &Target) -> crate::Result<AccountService<Bmc>> {
    some(target.root().await?.account_service(AccountServiceConfig::standard()).await?, "AccountService")
}

async fn accounts(target: &Target) {
    check("AccountServiceConfig::standard ServiceRoot::account_service AccountService::raw AccountService::accounts AccountCollection::all_accounts_data \
           AccountCollection::odata_id Account::raw Account::is_enabled", async {
        let service = account_service(target).await?;
        same(service.raw().service_enabled.flatten(), Some(true))?;
        let accounts = some(service.accounts().await?, "Accounts")?;
        same(accounts.odata_id().to_string().as_str(), "/redfish/v1/AccountService/Accounts")?;
        let admin = first(accounts.all_accounts_data().await?, "an account")?;
        holds(admin.is_enabled(), "the account is enabled")?;
        same(admin.raw().user_name.clone(), Some(target.user.clone()))
    })
    .await;
    check("AccountService::update", async {
        let service = account_service(target).await?;
        done(
            service
                .update(&AccountServiceUpdate::builder().with_account_lockout_threshold(7).build())
                .await?,
        )?;
        let service = account_service(target).await?;
        same(service.raw().account_lockout_threshold.flatten(), Some(7))
    })
    .await;
    check("AccountCollection::create_account Account::update Account::update_user_name Account::update_password \
           Account::delete", async {
        let service = account_service(target).await?;
        let accounts = some(service.accounts().await?, "Accounts")?;
        let create = ManagerAccountCreate::builder("Secret-123456".into(), "robin".into(), "Operator".into()).build();
        let ModificationResponse::Entity(account) = accounts.create_account(create).await? else {
            return Err("the answer is no account".into());
        };
        done(account.update(&ManagerAccountUpdate::builder().with_role_id("ReadOnly".into()).build()).await?)?;
        // Each change needs the ETag of the account as it is then.
        let named = async |name: &str| -> crate::Result<_> {
            let all = some(service.accounts().await?, "Accounts")?.all_accounts_data().await?;
            let found = all.into_iter().find(|one| one.raw().user_name.as_deref() == Some(name));
            some(found, "the account")
        };
        done(named("robin").await?.update_user_name("alex".into()).await?)?;
        done(named("alex").await?.update_password("Other-123456".into()).await?)?;
        let names = async || -> crate::Result<Vec<_>> {
            let all = some(service.accounts().await?, "Accounts")?.all_accounts_data().await?;
            Ok(all.iter().map(|one| one.raw().user_name.clone()).collect())
        };
        holds(names().await?.contains(&Some("alex".into())), "the account has its new name")?;
        done(named("alex").await?.delete().await?)?;
        holds(!names().await?.contains(&Some("alex".into())), "the account is gone")
    })
    .await;
}

async fn managers(target: &Target) {
    check("ServiceRoot::managers ManagerCollection::members Manager::raw", async {
        holds(target.manager().await?.raw().firmware_version.is_some(), "a manager has a version")
    })
    .await;
    check("Manager::update", async {
        let update = ManagerUpdate::builder().with_date_time_local_offset("+04:00".to_owned()).build();
        done(target.manager().await?.update(&update).await?)?;
        same(
            target.manager().await?.raw().date_time_local_offset.clone().flatten().as_deref(),
            Some("+04:00"),
        )
    })
    .await;
    check("Manager::ethernet_interfaces", async {
        let interfaces = some(target.manager().await?.ethernet_interfaces().await?, "EthernetInterfaces")?;
        holds(
            first(interfaces.members().await?, "an interface")?.mac_address().is_some(),
            "it has a MAC address",
        )
    })
    .await;
    check("Manager::network_protocol ManagerNetworkProtocol::raw", async {
        let protocol = some(target.manager().await?.network_protocol().await?, "NetworkProtocol")?;
        holds(protocol.raw().https.is_some(), "HTTPS is described")
    })
    .await;
}

async fn updates(target: &Target) {
    check("ServiceRoot::update_service UpdateService::raw UpdateService::firmware_inventories SoftwareInventory::raw \
           SoftwareInventory::version SoftwareInventory::release_date", async {
        let service = target.updates().await?;
        same(service.raw().service_enabled.flatten(), Some(true))?;
        let software = some(service.firmware_inventories().await?, "FirmwareInventory")?;
        let one = first(software, "a component")?;
        same(one.version().map(|version| version.to_string()), one.raw().version.clone().flatten())?;
        holds(one.release_date().is_none() == one.raw().release_date.flatten().is_none(), "the date is the same")
    })
    .await;
    check("UpdateService::simple_update", async {
        let protocol = Some(TransferProtocolType::Http);
        let targets = Some(vec![target.software.clone()]);
        let image = target.firmware.clone();
        let service = target.updates().await?;
        let answer =
            service.simple_update(image, protocol, targets, None, None, None, None, None, None).await?;
        let ModificationResponse::Task(task) = answer else { return Err("the answer is no task".into()) };
        finish(target, task).await
    })
    .await;
    check("ServiceRoot::task_service TaskService::raw TaskService::tasks TaskCollection::odata_id TaskCollection::member_links", async {
        let service = some(target.root().await?.task_service().await?, "TaskService")?;
        same(service.raw().service_enabled.flatten(), Some(true))?;
        let tasks = some(service.tasks(), "Tasks")?;
        same(tasks.odata_id().to_string().as_str(), "/redfish/v1/TaskService/Tasks")?;
        for link in tasks.member_links().await? {
            link.fetch().await?;
        }
        Ok(())
    })
    .await;
    check("TaskService::task_link EntityLink::delete", async {
        let service = some(target.root().await?.task_service().await?, "TaskService")?;
        let (image, targets) = (target.firmware.clone(), Some(vec![target.software.clone()]));
        let answer = target
            .updates()
            .await?
            .simple_update(image, None, targets, None, None, None, None, None, None)
            .await?;
        let ModificationResponse::Task(task) = answer else { return Err("the answer is no task".into()) };
        // The location is the task monitor. A link is for the task itself, the newest of the list.
        let tasks = some(service.tasks(), "Tasks")?.member_links().await?;
        let location = some(tasks.last(), "a task")?.odata_id().clone().into();
        let link = service.task_link(AsyncTask { location, ..task.clone() })?;
        link.fetch().await?;
        finish(target, task).await?;
        done(link.delete().await?)
    })
    .await;
    check("AsyncActionResult::start AsyncActionResult::pending_task AsyncActionResult::retry_after AsyncActionResult::resume \
           AsyncActionResult::poll_result", async {
        let service = target.updates().await?.raw();
        let action = service.actions.as_ref().and_then(|actions| actions.simple_update.as_ref());
        let action = some(action, "SimpleUpdate")?;
        let update = UpdateServiceSimpleUpdateAction {
            redfish_annotations: Default::default(),
            image_uri: target.firmware.clone(),
            transfer_protocol: None,
            targets: Some(vec![target.software.clone()]),
            username: None,
            password: None,
            force_update: None,
            stage: None,
            local_image: None,
            exclude_targets: None,
        };
        let begun = AsyncActionResult::start(target.bmc.as_ref(), action, &update).await?;
        let task = some(begun.pending_task(), "task")?.clone();
        same(begun.retry_after(), task.retry_after)?;
        finish(target, task).await
    })
    .await;
}

/// Starts the machine until the update of a task is complete.
async fn finish(target: &Target, task: AsyncTask) -> crate::Result {
    let service = target.updates().await?.raw();
    let action = service.actions.as_ref().and_then(|actions| actions.simple_update.as_ref());
    let operation = RefCell::new(AsyncActionResult::resume(some(action, "SimpleUpdate")?, task));
    until("the task ends", async || {
        systems::power(target, ResetType::ForceOff, PowerState::Off).await?;
        systems::power(target, ResetType::On, PowerState::On).await?;
        Ok(operation.borrow_mut().poll_result(target.bmc.as_ref()).await?.is_some())
    })
    .await
}
