// A room's lobby: which meetings are going on, which is next, who is in, and a way into the right one.
import { ask, listenToMeetings, persistently, showWho, signInLink, whoami } from "./server.js";
import { byId, closesBecause, left, made, people, phases, put, say, show, span, when } from "./words.js";

const named = decodeURIComponent(location.pathname.split("/").pop());
const room = encodeURIComponent(named);
const idShaped = /^[0-9a-f]{8}-/.test(named);
const meetings = new Map();
const lines = new Map();
let mayStart = false;

// How long before its start a meeting is one that people are led to (rule L26), and how long before its end it is said.
const early = 10 * 60_000;
const soon = 5 * 60_000;

function state(is) {
  put(document.querySelector("main"), "data-state", is);
}

function call(name) {
  if (!name) return;
  say(byId("room"), name);
  document.title = `${name} · lobby`;
}

// The current one of these, as the server leads people (rule L26).
function current(all, now) {
  const standing = ({ phase, start_date, end_date }) => {
    const onTime = Date.parse(start_date) <= now && now < Date.parse(end_date);
    if (phase === "live") return onTime ? 0 : 2;
    if (onTime) return 1;
    return phase === "grace" ? 3 : 4;
  };
  const order = (a, b) => standing(a) - standing(b) || Date.parse(b.start_date) - Date.parse(a.start_date) || (a.id < b.id ? -1 : 1);
  return all.toSorted(order)[0];
}

function comesLater(meeting, now) {
  return meeting.phase !== "live" && Date.parse(meeting.start_date) > now + early;
}

// Leads to a meeting's room, which joining tells.
async function go(button, way) {
  button.disabled = true;
  say(byId("trouble"), "");
  try {
    const { room_url } = await way();
    location.assign(room_url);
  } catch (refused) {
    say(byId("trouble"), refused.status === 400 ? "This meeting has just ended." : `That did not work: ${refused.message}.`);
  }
  button.disabled = false;
}

function line(id) {
  const item = made("li");
  const what = made("div", "what");
  const parts = { item, phase: made("span", "phase"), people: made("span", "people"), mark: made("span", "mark"), dates: made("span", "dates"), closes: made("span", "closes"), join: made("button", "", "Join") };
  parts.join.type = "button";
  parts.join.addEventListener("click", () => go(parts.join, () => ask("POST", `rooms/${room}/meetings/${id}/join`)));
  what.append(parts.phase, parts.people, parts.mark);
  item.append(what, parts.dates, parts.closes, parts.join);
  return parts;
}

function closing(meeting, now) {
  if (meeting.closes_at) {
    const words = closesBecause(meeting.closes_because);
    const isSoon = Date.parse(meeting.closes_at) - now < soon;
    if (isSoon || meeting.phase === "grace") return { text: `Closes ${left(meeting.closes_at, now)} ${words}`, isSoon };
    if (Date.parse(meeting.end_date) <= now) return { text: `Past its end; closes at ${when(meeting.closes_at)} ${words}`, isSoon };
  } else if (Date.parse(meeting.end_date) <= now) {
    return { text: "Past its end", isSoon: false };
  }
  return { text: "", isSoon: false };
}

function drawLine(meeting, now, { isCurrent = false, isLater = false, isNext = false }) {
  if (!lines.has(meeting.id)) lines.set(meeting.id, line(meeting.id));
  const parts = lines.get(meeting.id);
  const { text, isSoon } = closing(meeting, now);
  put(parts.phase, "data-phase", meeting.phase);
  say(parts.phase, phases[meeting.phase]);
  say(parts.people, meeting.phase === "live" ? people(meeting.num_clients) : "");
  say(parts.mark, isCurrent ? "The one now" : isNext ? "Next" : "");
  say(parts.dates, span(meeting.start_date, meeting.end_date));
  say(parts.closes, text);
  parts.closes.classList.toggle("soon", isSoon);
  parts.item.classList.toggle("current", isCurrent);
  say(parts.join, isLater ? "Join early" : "Join");
  parts.join.classList.toggle("quiet", isLater);
  put(parts.join, "aria-label", `${isLater ? "Join early" : "Join"}: ${phases[meeting.phase]}, ${span(meeting.start_date, meeting.end_date)}`);
  return parts.item;
}

// Puts these into a list, and moves none that is in its place: whoever has one in focus keeps it.
function fill(list, items) {
  for (const child of [...list.children]) if (!items.includes(child)) child.remove();
  items.forEach((item, number) => { if (list.children[number] !== item) list.insertBefore(item, list.children[number] ?? null); });
}

function news(going, coming) {
  if (going.length > 1) return `${going.length} meetings are going on: choose one.`;
  if (going.length === 1) {
    const [{ phase, num_clients: count, start_date: start }] = going;
    if (phase === "live") return count === 1 ? "1 person is in." : `${count} people are in.`;
    if (phase === "grace") return "Everybody has left for now.";
    return Date.parse(start) > Date.now() ? `It begins at ${when(start)}. Nobody is in yet.` : "Nobody is in yet.";
  }
  return coming.length ? `Nobody is meeting now. The next meeting begins at ${when(coming[0].start_date)}.` : "Nobody is meeting now.";
}

// Said once, for those who do not see the countdown.
function warning(going, now) {
  if (!going.some((meeting) => closing(meeting, now).isSoon)) return "";
  return going.length === 1 ? " It closes soon." : " One of them closes soon.";
}

function draw() {
  const now = Date.now();
  const active = [...meetings.values()].filter(({ phase }) => ["waiting", "live", "grace"].includes(phase));
  const coming = active.filter((meeting) => comesLater(meeting, now)).sort((a, b) => Date.parse(a.start_date) - Date.parse(b.start_date));
  const going = active.filter((meeting) => !comesLater(meeting, now));
  const first = current(going, now);
  going.sort((a, b) => (b === first) - (a === first) || Date.parse(a.start_date) - Date.parse(b.start_date) || (a.id < b.id ? -1 : 1));
  fill(byId("going"), going.map((meeting) => drawLine(meeting, now, { isCurrent: going.length > 1 && meeting === first })));
  fill(byId("coming"), coming.map((meeting, number) => drawLine(meeting, now, { isLater: true, isNext: number === 0 })));
  byId("going").classList.toggle("only", going.length === 1);
  show(byId("now"), going.length > 0);
  show(byId("later"), coming.length > 0);
  show(byId("none"), going.length === 0);
  show(byId("start"), mayStart);
  say(byId("none-hint"), mayStart ? "" : "This page shows it as soon as somebody starts a meeting.");
  say(byId("news"), news(going, coming) + warning(going, now));
  for (const id of lines.keys()) if (!meetings.has(id)) lines.delete(id);
}

// Every second, and only while there is something to count: texts that stay the same are left alone.
function tick() {
  if (!document.hidden && meetings.size > 0) draw();
}

function away() {
  state("away");
  say(byId("away"), "The server cannot be reached. This page goes on as soon as it is back.");
  show(byId("away"), true);
}

function live() {
  let isReady = false;
  const later = () => { if (isReady) draw(); };
  listenToMeetings(`events?room=${room}`, {
    told: (id, meeting, name) => {
      call(name);
      meetings.set(id, meeting);
      later();
    },
    gone: (id) => {
      meetings.delete(id);
      later();
    },
    ready: () => {
      isReady = true;
      state("here");
      draw();
    },
    here: (is) => {
      if (!is) return away();
      show(byId("away"), false);
      if (isReady) state("here");
    },
  });
  setInterval(tick, 1000);
}

async function begin() {
  if (!idShaped) call(named);
  const who = await persistently(whoami, away);
  try {
    await persistently(() => ask("GET", `rooms/${room}/meetings/active`), away);
  } catch (refused) {
    show(byId("away"), false);
    state("closed");
    const hint = who ? ", or it is not open to you" : ", or it is open only to those who sign in";
    say(byId("news"), `There is no such room${who?.is_operator ? "" : hint}.`);
    if (who) showWho(byId("who"), who); else byId("instead").append(signInLink());
    return;
  }
  showWho(byId("who"), who);
  // Who may see the room may start a meeting in it.
  const seen = who ? await ask("GET", `rooms/${room}`).catch(() => null) : null;
  mayStart = seen !== null;
  call(seen?.name);
  show(byId("away"), false);
  live();
}

byId("start").addEventListener("click", () => go(byId("start"), () => ask("POST", `rooms/${room}/meeting`)));
begin();
