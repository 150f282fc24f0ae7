//! The adapter against servers that look like S3 and SQS over loopback.

#[cfg(test)]
mod allowed;
mod announced;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod listed;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod read;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod world;
