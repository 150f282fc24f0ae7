//! The pipeline with real parts: speech by espeak-ng, files by ffmpeg, endpoints that answer as OpenAI's do.

#[cfg(test)]
mod bucket;
#[cfg(test)]
mod chat;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod fetch;
#[cfg(test)]
mod media;
#[cfg(test)]
mod repeated;
#[cfg(test)]
mod sound;
#[cfg(test)]
mod speech;
#[cfg(test)]
mod whole;
#[cfg(test)]
mod world;
