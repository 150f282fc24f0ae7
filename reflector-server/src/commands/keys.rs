//! `reflector keys …`

use clap::Subcommand;
use reflector_core::store::ApiKey;
use reflector_core::{ApiKeyId, Timestamp, UserId};
use serde::Serialize;

use super::{CommandError, Office, print_json, whole};
use crate::builtin::token_hash;
use crate::clock::new_id;
use crate::identity::new_key;
use crate::line::in_one_line;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Keys {
    /// Makes a key with which a program acts as a user, and shows it: once, since only its hash is kept.
    Create {
        /// The user.
        #[arg(long, value_parser = user)]
        user: UserId,
        /// Whoever has the key is an operator.
        #[arg(long)]
        operator: bool,
    },
    /// Lists keys, newest first, revoked ones too.
    List {
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Revokes a key: from now on it is of no use.
    Revoke {
        /// Its id.
        id: ApiKeyId,
    },
}

fn user(text: &str) -> Result<UserId, String> {
    if (1..=255).contains(&text.len()) {
        Ok(UserId::from(text))
    } else {
        Err("use 1 to 255 characters".to_owned())
    }
}

pub(crate) async fn run(office: &Office, command: Keys) -> Result<(), CommandError> {
    match command {
        Keys::Create { user, operator } => create(office, user, operator).await,
        Keys::List { json } => list(office, json).await,
        Keys::Revoke { id } => revoke(office, id).await,
    }
}

async fn create(office: &Office, user: UserId, is_operator: bool) -> Result<(), CommandError> {
    let text = new_key();
    let id = ApiKeyId(new_id());
    let key = ApiKey { id, user, is_operator, made_at: office.now, revoked_at: None };
    office.keys.create_key(key, token_hash(&text)).await?;
    eprintln!("{id}: send it as X-API-Key; it is not shown again");
    println!("{text}");
    Ok(())
}

#[derive(Serialize)]
struct KeyBody {
    id: ApiKeyId,
    user: String,
    operator: bool,
    made_at: Timestamp,
    revoked_at: Option<Timestamp>,
}

async fn list(office: &Office, json: bool) -> Result<(), CommandError> {
    let all = whole(async |paging| office.keys.list_keys(paging).await).await?;
    if json {
        let bodies = all.into_iter().map(|ApiKey { id, user, is_operator, made_at, revoked_at }| KeyBody {
            id,
            user: user.0,
            operator: is_operator,
            made_at,
            revoked_at,
        });
        return print_json(&bodies.collect::<Vec<_>>());
    }
    for key in &all {
        let whose = if key.is_operator { "operator" } else { "user" };
        let revoked = key.revoked_at.map(|at| format!("  revoked {at}")).unwrap_or_default();
        println!("{}  {whose} {}  made {}{revoked}", key.id, in_one_line(key.user.as_str()), key.made_at);
    }
    Ok(())
}

async fn revoke(office: &Office, id: ApiKeyId) -> Result<(), CommandError> {
    if office.keys.revoke_key(id, office.now).await? {
        println!("revoked");
        Ok(())
    } else {
        Err(CommandError::refused(format!(
            "there is no key {id}: `reflector keys list` shows those there are"
        )))
    }
}
