//! The port to what is in objects.

use std::fmt::Debug;

use async_trait::async_trait;

use super::{ObjectVersion, SourceError};

/// Gives the bytes of objects, a little at a time: a recording may be larger than the memory.
#[async_trait]
pub trait Objects: Send + Sync + Debug + 'static {
    /// Opens an object to be read from this byte on. Nothing if it is there no more, or another one has its key.
    async fn open(
        &self,
        object: &ObjectVersion,
        from: u64,
    ) -> Result<Option<Box<dyn ObjectBytes>>, SourceError>;
}

/// An object that is being read.
#[async_trait]
pub trait ObjectBytes: Send {
    /// The next of its bytes, never none; nothing at its end. After an error one opens it again where one stood.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, SourceError>;
}
