//! Web space by HTTP: WebDAV servers and S3 buckets, spoken by opendal.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opendal::services::{S3, Webdav};
use opendal::{ErrorKind, HttpTransporter, OperationContext, Operator};

use super::address::Address;
use super::carrier::{Carrier, Moves, report};
use super::space::{Place, Space, beside};
use crate::clock::Ms;
use crate::domain::outcome::Report;
use crate::formats::{CACHE_CONTROL, SiteFile};
use crate::net::{Http, Use};
use crate::said;
use crate::secret::ExposeSecret;
use crate::settings::Reader;

/// Of one request: the largest file on a bad line.
const REQUEST: Duration = Duration::from_secs(60);
/// What S3 services take that have no regions.
const REGION: &str = "us-east-1";

/// `webdavs://HOST/PATH` or `s3://HOST/BUCKET/PREFIX`.
pub struct Cloud {
    address: String,
    operator: Operator,
    http: Http,
    switch: Switch,
}

/// How a file takes its place.
enum Switch {
    /// S3: an object is there whole or not at all.
    Put,
    /// WebDAV: some servers write into the file itself, so it is written beside its place and moved there.
    Move(Moves),
}

/// Reads the keys of a WebDAV target.
pub fn webdav(
    reader: &mut Reader<'_>,
    address: &Address,
    timeout: Option<Duration>,
    allow_private: bool,
) -> Option<Cloud> {
    let username = address.username(reader);
    let password = reader.required_secret("password");
    let plain = address.scheme == "webdav";
    if plain && !(address.is_loopback() || allow_private && address.is_private()) {
        reader.problem(
            "url",
            said!(
                "Ohne Verschlüsselung könnte jeder unterwegs das Passwort mitlesen.",
                "without encryption anybody on the way could read the password."
            ),
            said!(
                "Schreiben Sie webdavs://…; webdav:// geht nur auf diesem Rechner, und mit allow_private = true an Adressen wie 10.0.0.5.",
                "Write webdavs://…; webdav:// is for this machine only, and with allow_private = true for addresses such as 10.0.0.5."
            ),
        );
        return None;
    }
    let (username, password) = (username?, password?);
    let scheme = if plain { "http" } else { "https" };
    let service = Webdav::default()
        .endpoint(&format!("{scheme}://{}", address.authority()))
        .root(&format!("/{}", address.path))
        .username(&username)
        .password(password.expose_secret())
        // Made here, once for each upload, instead of asked for with every file.
        .disable_create_dir(true);
    let shown = format!(
        "{}://{username}@{}/{}",
        address.scheme,
        address.authority(),
        address.path
    );
    let switch = Switch::Move(Moves {
        base: address.url(scheme),
        username,
        password,
    });
    cloud(reader, shown, Operator::new(service), switch, timeout)
}

/// Reads the keys of an S3 target.
pub fn s3(reader: &mut Reader<'_>, address: &Address, timeout: Option<Duration>) -> Option<Cloud> {
    let access_key = reader.required_secret("access_key");
    let secret_key = reader.required_secret("secret_key");
    let region = reader.text("region").unwrap_or_else(|| REGION.to_owned());
    let (bucket, prefix) = address.path.split_once('/').unwrap_or((&address.path, ""));
    if bucket.is_empty() {
        reader.problem(
            "url",
            said!(
                "In der Adresse fehlt der Bucket.",
                "the bucket is missing in the address."
            ),
            said!(
                "Zum Beispiel \"s3://s3.host.example/BUCKET\" oder \"s3://s3.host.example/BUCKET/ORDNER\".",
                "For example \"s3://s3.host.example/BUCKET\" or \"s3://s3.host.example/BUCKET/FOLDER\"."
            ),
        );
        return None;
    }
    let (access_key, secret_key) = (access_key?, secret_key?);
    let scheme = if address.is_loopback() { "http" } else { "https" };
    let service = S3::default()
        .endpoint(&format!("{scheme}://{}", address.authority()))
        .bucket(bucket)
        .root(&format!("/{prefix}"))
        .region(&region)
        .access_key_id(access_key.expose_secret())
        .secret_access_key(secret_key.expose_secret())
        // Credentials of this machine's other programs are not ours to use.
        .disable_config_load()
        .disable_ec2_metadata();
    let shown = format!("s3://{}/{}", address.authority(), address.path);
    cloud(reader, shown, Operator::new(service), Switch::Put, timeout)
}

fn cloud(
    reader: &mut Reader<'_>,
    address: String,
    operator: opendal::Result<Operator>,
    switch: Switch,
    timeout: Option<Duration>,
) -> Option<Cloud> {
    let http = Http::new(Use {
        timeout: timeout.map_or(REQUEST, |timeout| timeout.min(REQUEST)),
        concurrency: 1,
        // A file that is put twice is the same file.
        reuse: true,
        private: true,
    });
    match (operator, http) {
        (Ok(operator), Ok(http)) => Some(Cloud {
            address,
            operator,
            http,
            switch,
        }),
        (Err(_), _) => {
            reader.problem(
                "url",
                said!(
                    "Mit dieser Adresse lässt sich nichts anfangen.",
                    "this address cannot be used."
                ),
                said!(
                    "Bitte prüfen Sie Rechner und Ordner oder Bucket.",
                    "Check host and folder or bucket."
                ),
            );
            None
        }
        (_, Err(error)) => {
            crate::channel::http::no_tls(reader, "url", &error);
            None
        }
    }
}

#[async_trait]
impl Space for Cloud {
    fn address(&self) -> String {
        self.address.clone()
    }

    async fn open(&self, now: Ms) -> Result<Box<dyn Place + '_>, Report> {
        let carrier = Carrier::new(self.http.clone(), self.address.clone(), now);
        let context = OperationContext::new().with_http_transport(HttpTransporter::new(carrier));
        Ok(Box::new(Open {
            who: &self.address,
            operator: self.operator.clone().with_context(context),
            switch: &self.switch,
            carrier: Carrier::new(self.http.clone(), self.address.clone(), now),
            made: Mutex::default(),
        }))
    }
}

/// One upload.
struct Open<'a> {
    who: &'a str,
    operator: Operator,
    switch: &'a Switch,
    /// For what opendal does not send.
    carrier: Carrier,
    /// Folders known to be there.
    made: Mutex<BTreeSet<String>>,
}

impl Open<'_> {
    async fn write(&self, path: &str, file: &SiteFile) -> opendal::Result<()> {
        let write = self.operator.write_with(path, file.bytes.clone());
        match self.switch {
            Switch::Put => {
                // A bucket tells readers what it was told.
                write.content_type(file.media_type).cache_control(CACHE_CONTROL).await?;
            }
            Switch::Move(moves) => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                self.make(&format!("{folder}/")).await?;
                let beside = beside(path);
                self.operator.write(&beside, file.bytes.clone()).await?;
                self.carrier.switch(moves, &beside, path).await?;
            }
        }
        Ok(())
    }

    /// Makes a folder with those above it, once.
    async fn make(&self, folder: &str) -> opendal::Result<()> {
        let known =
            |made: &Mutex<BTreeSet<String>>| made.lock().unwrap_or_else(PoisonError::into_inner).contains(folder);
        if !known(&self.made) {
            self.operator.create_dir(folder).await?;
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            made.insert(folder.to_owned());
        }
        Ok(())
    }
}

#[async_trait]
impl Place for Open<'_> {
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Report> {
        match self.operator.read(path).await {
            Ok(content) => Ok(Some(content.to_bytes())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(report(self.who, &error)),
        }
    }

    async fn put(&self, path: &str, file: &SiteFile) -> Result<(), Report> {
        self.write(path, file).await.map_err(|error| report(self.who, &error))
    }

    fn aside(&self, path: &str) -> Option<String> {
        match self.switch {
            Switch::Put => None,
            Switch::Move(_) => Some(beside(path)),
        }
    }

    /// Folders left empty stay: WebDAV removes a folder only with all that is in it, and that may be somebody else's.
    async fn remove(&self, path: &str) -> Result<(), Report> {
        self.operator
            .delete(path)
            .await
            .map_err(|error| report(self.who, &error))
    }
}
