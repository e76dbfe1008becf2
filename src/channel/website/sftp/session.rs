//! One connection to an SFTP server: files are written beside their place and renamed over it.

use std::future::ready;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use russh::client::Handle;
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, StatusCode};

use super::Sftp;
use super::host_key::Verifier;
use crate::channel::website::space::{Place, Space, beside};
use crate::domain::outcome::Report;
use crate::formats::SiteFile;
use crate::formats::manifest::LARGEST_MANIFEST;
use crate::said;
use crate::text::said::Said;

/// Bytes in one request; what every server takes (draft-ietf-secsh-filexfer, section 3).
const CHUNK: usize = 32 * 1_024;
/// Requests under way at the same time: a distant server is kept busy, and on a slow line each still gets its answer in time.
const WINDOW: usize = 8;

/// One connection.
pub(super) struct Session<'a> {
    pub(super) target: &'a Sftp,
    pub(super) raw: RawSftpSession,
    /// The server renames over what is there.
    pub(super) renames: bool,
    /// The server brings a file to its disk when it is told to.
    pub(super) syncs: bool,
    /// Folders known to be there.
    pub(super) made: Mutex<std::collections::BTreeSet<String>>,
    /// Ends the connection when dropped.
    pub(super) _handle: Handle<Verifier>,
}

fn missing(error: &SftpError) -> bool {
    matches!(error, SftpError::Status(status) if status.status_code == StatusCode::NoSuchFile)
}

impl Session<'_> {
    fn full(&self, path: &str) -> String {
        format!("{}/{path}", self.target.root)
    }

    /// Makes the folders above a file; one that is there already answers "failure" and is fine.
    async fn folders(&self, full: &str) {
        let above: Vec<usize> = full.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0).collect();
        for at in above {
            let folder = &full[..at];
            let known = |made: &Mutex<std::collections::BTreeSet<String>>| {
                made.lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .insert(folder.to_owned())
            };
            if folder != "." && known(&self.made) {
                let attributes = FileAttributes {
                    permissions: Some(0o755),
                    ..FileAttributes::empty()
                };
                // Whether it is there shows when the file is opened.
                let _ = self.raw.mkdir(folder, attributes).await;
            }
        }
    }

    async fn write(&self, full: &str, bytes: &[u8]) -> Result<(), SftpError> {
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let attributes = FileAttributes {
            permissions: Some(0o644),
            ..FileAttributes::empty()
        };
        let handle = self.raw.open(full, flags, attributes).await?.handle;
        let mut chunks = Vec::new();
        for (n, chunk) in bytes.chunks(CHUNK).enumerate() {
            chunks.push(self.raw.write(handle.clone(), (n * CHUNK) as u64, chunk.to_vec()));
        }
        let written = stream::iter(chunks).buffer_unordered(WINDOW);
        let mut written: Result<(), SftpError> = written.try_for_each(|_| ready(Ok(()))).await;
        if self.syncs && written.is_ok() {
            // Before it takes its place: a power cut there leaves the old page or the new one, not an empty one.
            written = self.raw.fsync(handle.clone()).await.map(|_| ());
        }
        self.raw.close(handle).await?;
        written
    }

    /// On servers without `posix-rename@openssh.com`, whose rename may refuse to replace a file.
    async fn replace(&self, from: &str, to: &str) -> Result<(), SftpError> {
        if self.raw.rename(from, to).await.is_ok() {
            return Ok(());
        }
        // Both requests leave at once, and a server does them in this order (draft-ietf-secsh-filexfer-02, section 6.1): the
        // file is missing for as long as that takes there, not for the way to us and back, nor until we are there again.
        match tokio::join!(self.raw.remove(to), self.raw.rename(from, to)) {
            (_, Ok(_)) => Ok(()),
            (Ok(_), Err(_)) => self.raw.rename(from, to).await.map(|_| ()),
            (Err(error), Err(_)) if !missing(&error) => Err(error),
            (Err(_), Err(error)) => Err(error),
        }
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), SftpError> {
        if !self.renames {
            return self.replace(from, to).await;
        }
        let mut data = Vec::new();
        for name in [from, to] {
            data.extend((name.len() as u32).to_be_bytes());
            data.extend(name.as_bytes());
        }
        match self.raw.extended("posix-rename@openssh.com", data).await? {
            Packet::Status(status) if status.status_code == StatusCode::Ok => Ok(()),
            Packet::Status(status) => Err(SftpError::Status(status)),
            _ => Err(SftpError::UnexpectedPacket),
        }
    }

    async fn read(&self, full: &str) -> Result<Bytes, SftpError> {
        let handle = self
            .raw
            .open(full, OpenFlags::READ, FileAttributes::empty())
            .await?
            .handle;
        let size = self.raw.fstat(handle.clone()).await?.attrs.size;
        let all = size.map_or(LARGEST_MANIFEST, |size| {
            usize::try_from(size).unwrap_or(usize::MAX).min(LARGEST_MANIFEST)
        });
        // Where the size is not told, one chunk after the other until the end.
        let piece = if size.is_some() { CHUNK } else { LARGEST_MANIFEST };
        let mut chunks = Vec::new();
        for from in (0..all).step_by(piece) {
            chunks.push(self.chunk(handle.clone(), from, piece.min(all - from)));
        }
        let bytes: Result<Vec<Vec<u8>>, SftpError> = stream::iter(chunks).buffered(WINDOW).try_collect().await;
        self.raw.close(handle).await?;
        Ok(bytes?.concat().into())
    }

    /// Reads so many bytes; fewer where the file ends. A server may answer with less than it was asked for.
    async fn chunk(&self, handle: String, from: usize, length: usize) -> Result<Vec<u8>, SftpError> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let (at, ask) = (from + bytes.len(), CHUNK.min(length - bytes.len()));
            match self.raw.read(handle.clone(), at as u64, ask as u32).await {
                Ok(data) if data.data.is_empty() => break,
                Ok(data) => bytes.extend(data.data),
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => break,
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }
}

#[async_trait]
impl Place for Session<'_> {
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Report> {
        match self.read(&self.full(path)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if missing(&error) => Ok(None),
            Err(error) => Err(self.target.sort(path, error)),
        }
    }

    async fn put(&self, path: &str, file: &SiteFile) -> Result<(), Report> {
        let full = self.full(path);
        self.folders(&full).await;
        let beside = beside(&full);
        let done = async {
            self.write(&beside, &file.bytes).await?;
            self.rename(&beside, &full).await
        };
        done.await.map_err(|error| self.target.sort(path, error))
    }

    fn aside(&self, path: &str) -> Option<String> {
        Some(beside(path))
    }

    fn weakness(&self) -> Option<Said> {
        let address = self.target.address();
        (!self.renames).then(|| {
            said!(
                "{address}: Dieser Server tauscht Dateien nicht in einem Schritt (posix-rename@openssh.com fehlt). Eine Seite, die sich ändert, kann dort einen Augenblick lang fehlen; halb ist sie nie.",
                "{address}: this server does not replace files in one step (no posix-rename@openssh.com). A page that changes may be missing there for a moment; it is never there by half."
            )
        })
    }

    async fn remove(&self, path: &str) -> Result<(), Report> {
        let full = self.full(path);
        match self.raw.remove(&full).await {
            Err(error) if !missing(&error) => return Err(self.target.sort(path, error)),
            _ => {}
        }
        // Folders left empty go too; the first that is not empty ends it.
        let mut at = path;
        while let Some((folder, _)) = at.rsplit_once('/') {
            if self.raw.rmdir(self.full(folder)).await.is_err() {
                break;
            }
            at = folder;
        }
        Ok(())
    }
}
