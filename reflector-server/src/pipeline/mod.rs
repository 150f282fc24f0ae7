//! What the reference pipeline is given here: the objects of every source, what participants answered, and its runs.

mod consents;
mod objects;
mod token;

use std::sync::Arc;

use reflector_core::engine::Runs;
use reflector_core::pipeline::Retry;
use reflector_pipeline::{NotUsable, PipelineSettings, ReferencePipeline};

use crate::database::Kept;
use crate::recordings::Feed;

pub(crate) use consents::{ANSWERED_WITHIN, Answers};
pub(crate) use objects::FeedObjects;
pub(crate) use token::ParticipantTokens;

/// The reference pipeline, and its runs on this database.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) pipeline: Arc<ReferencePipeline>,
    pub(crate) runs: Arc<Runs>,
    pub(crate) answers: Answers,
    pub(crate) objects: FeedObjects,
}

impl Line {
    pub(crate) fn new(
        settings: PipelineSettings,
        kept: &Kept,
        feeds: &[Arc<Feed>],
    ) -> Result<Self, NotUsable> {
        let objects = FeedObjects::new(feeds.to_vec());
        let answers = Answers::new(kept, objects.clone());
        let pipeline = ReferencePipeline::new(settings, Arc::new(objects.clone()))?;
        let pipeline = Arc::new(pipeline.with_consents(Arc::new(answers.clone())));
        let port = Arc::clone(&pipeline);
        let runs = Arc::new(Runs::new(Arc::clone(&kept.transcripts), port, Retry::default()));
        Ok(Self { pipeline, runs, answers, objects })
    }
}
