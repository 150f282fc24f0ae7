//! The port to what is in objects.

use std::fmt::Debug;

use async_trait::async_trait;

use super::{ObjectVersion, SourceError};

/// Gives the bytes of objects, a little at a time: a recording may be larger than the memory.
///
/// # Contract
///
/// 1. `an_object_is_read_whole`: however many bytes it has.
/// 2. `reading_goes_on_from_any_byte`
/// 3. `nothing_is_left_at_its_end`: nor behind it; it is opened there all the same.
/// 4. `what_is_gone_cannot_be_opened`: nor what was never there.
/// 5. `another_object_of_its_key_is_not_given`: what was replaced is as it was where versions are kept, and elsewhere
///    it cannot be opened.
/// 6. `several_are_read_at_once`
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
