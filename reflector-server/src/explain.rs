//! A meeting's history as sentences.

use reflector_core::engine::Engine;
use reflector_core::lifecycle::{CloseMode, Event, Hearing, Phase, Presence, Schedule, Wake, next_closing};
use reflector_core::store::{ClaimedEffect, Entry, Loaded, Source};
use reflector_core::{Meeting, Role};

/// What the meeting is.
pub(crate) fn heading(meeting: &Meeting, room: &str) -> String {
    format!("Meeting {} in {room}, by {}: {}", meeting.id, meeting.provider, state(&meeting.life.phase))
}

/// A line of its history, with its number and when it happened.
pub(crate) fn line(entry: &Entry) -> String {
    format!("{:>4}  {}  {}", entry.seq, entry.at, sentence(entry))
}

/// What happened, what came of it, and where the meeting stood then.
pub(crate) fn sentence(entry: &Entry) -> String {
    let came_of_it = match (entry.ignored, entry.wake) {
        (Some(ignored), _) => format!("; nothing changes: {ignored}"),
        (None, Some(wake)) => format!("; {}", done(wake, entry)),
        (None, None) => String::new(),
    };
    let late = entry.recorded_at.since(entry.at).as_secs();
    let late = if late > 0 { format!(" (taken in {late} s later)") } else { String::new() };
    format!("{}{late}{came_of_it}. {}", happened(entry), state(&entry.phase))
}

fn happened(entry: &Entry) -> String {
    let of_provider = if entry.source == Source::Webhook { "the provider says that " } else { "" };
    match &entry.event {
        Event::Created { schedule: Schedule { scheduled: true, start, end, .. }, .. } => {
            format!("it was planned from {start} to {end}")
        }
        Event::Created { .. } => "somebody wanted to meet now".to_owned(),
        Event::RoomOpened { generation: 0, .. } => "the provider made its room".to_owned(),
        Event::RoomOpened { .. } => "the provider made another room for it".to_owned(),
        Event::RoomRefused { .. } => "the provider refused to make its room".to_owned(),
        Event::ParticipantJoined(who) => {
            format!("{of_provider}{} came{}", noun(who.participant.role), told(who.humans))
        }
        Event::ParticipantLeft(who) => {
            format!("{of_provider}{} left{}", noun(who.participant.role), told(who.humans))
        }
        Event::PresenceReported(report) => match report.presence {
            Presence::Occupied(humans) => format!("asked, the provider said that {humans} are in"),
            Presence::Empty => "asked, the provider said that nobody is in".to_owned(),
            Presence::Unknown => "asked, the provider could not say who is in".to_owned(),
        },
        Event::JoinRequested => "somebody asked to join".to_owned(),
        Event::Knocked => format!("{of_provider}somebody knocks"),
        Event::DeadlineReached { hearing } => format!("its time had come{}", heard(*hearing)),
        Event::Rescheduled { start, end } => match (start, end) {
            (Some(start), Some(end)) => format!("it was moved to {start} until {end}"),
            (Some(start), None) => format!("its start was moved to {start}"),
            (None, Some(end)) => format!("its end was moved to {end}"),
            (None, None) => "it was moved to where it was".to_owned(),
        },
        Event::Cancelled => "it was cancelled".to_owned(),
        Event::GraceChanged { grace: Some(grace) } => {
            format!("its owner gave it a grace of {}", humantime::format_duration(*grace))
        }
        Event::GraceChanged { grace: None } => "its owner took its own grace back".to_owned(),
        Event::EndRequested => "its owner ended it".to_owned(),
        Event::RoomEnded => format!("{of_provider}its room has ended"),
        Event::RoomMissing { .. } => "the provider did not know its room".to_owned(),
        Event::RoomClosed { .. } => "the provider confirmed that its room is gone".to_owned(),
        Event::HearingLost => "we had not been listening, so silence was no sign of emptiness".to_owned(),
        Event::ProviderNoticed { kind } => format!("the provider told of {kind}"),
        _ => entry.event.name().to_owned(),
    }
}

fn noun(role: Role) -> &'static str {
    match role {
        Role::Human => "a person",
        Role::Recorder => "a recorder",
        Role::Streamer => "a streamer",
        Role::Captioner => "a captioner",
        Role::Bot => "a bot",
        _ => "a program",
    }
}

fn told(humans: Option<u32>) -> String {
    humans.map(|humans| format!(", and that {humans} are in")).unwrap_or_default()
}

fn heard(hearing: Hearing) -> &'static str {
    match hearing {
        Hearing::Deaf => ", while we did not hear the provider, or closes were on hold",
        Hearing::Answered | Hearing::Since(_) => "",
    }
}

fn done(wake: Wake, entry: &Entry) -> String {
    let kept_open = entry.phase.is_active();
    match wake {
        Wake::OpeningGivenUp => "the provider had made no room in two minutes".to_owned(),
        Wake::Force(reason) | Wake::Close(reason)
            if kept_open && entry.policy.close == CloseMode::Observe =>
        {
            format!("it would be closed ({reason}), but this deployment only observes")
        }
        Wake::Close(reason) if kept_open => {
            format!("it would be closed ({reason}), but we do not hear the provider")
        }
        Wake::Close(reason) => format!("the provider is asked to close its room if it is empty ({reason})"),
        Wake::Force(reason) => format!("the provider is told to close its room ({reason})"),
        Wake::Unconfirmed => "the provider never confirmed that its room is gone".to_owned(),
        Wake::Announce => "those who are in are told that it will be closed".to_owned(),
        Wake::Ask => "the provider is asked who is in".to_owned(),
    }
}

fn state(phase: &Phase) -> String {
    match phase {
        Phase::Opening { .. } => "Its room is being made".to_owned(),
        Phase::Waiting { .. } => "Nobody has been in".to_owned(),
        Phase::Live { humans: 1, .. } => "One is in".to_owned(),
        Phase::Live { humans, .. } => format!("{humans} are in"),
        Phase::Grace { since } => format!("Empty since {since}"),
        Phase::Closing { reason, .. } => format!("Closing: {reason}"),
        Phase::Closed { reason, .. } => format!("Closed: {reason}"),
    }
}

/// When it closes next, and why.
pub(crate) fn outlook(loaded: &Loaded, engine: &Engine) -> Option<String> {
    let (at, reason) = next_closing(&loaded.meeting.life, &engine.policy_of(loaded))?;
    Some(format!("As it stands, it closes at {at} ({reason})"))
}

/// What is still to be done.
pub(crate) fn owed(owed: &ClaimedEffect) -> String {
    let tried = match &owed.last_error {
        Some(error) => format!(", tried {} times; the last time: {error}", owed.attempts),
        None => String::new(),
    };
    format!("Owed since {}: {}{tried}", owed.owed_at, owed.effect.kind().as_str())
}
