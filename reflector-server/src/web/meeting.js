// A meeting's page: how it stands, and its history as sentences.
import { ask, listen, persistently, place, showWho, signInLink, whoami } from "./server.js";
import { byId, closedBecause, closesBecause, exactly, left, made, people, phases, put, say, show, span, when } from "./words.js";

const id = encodeURIComponent(location.pathname.split("/").pop());
const list = byId("history");
const size = 200;
// More lines are not kept on the page.
const most = 1000;
let meeting = null;
// The numbers of the first and the last line that are shown.
let [first, last] = [1, 0];

function away(is = true) {
  say(byId("away"), "The server cannot be reached. This page goes on as soon as it is back.");
  show(byId("away"), is);
}

// The server writes instants in UTC; here they are the viewer's.
function sentence(text) {
  const element = made("span", "sentence");
  for (const part of text.split(/(\d{4}-\d\d-\d\dT[\d:.]+Z)/)) {
    if (!/^\d{4}-\d\d-\d\dT/.test(part)) {
      element.append(part);
      continue;
    }
    const time = made("time", "", when(part));
    time.dateTime = part;
    element.append(time);
  }
  return element;
}

function line({ at, outcome, sentence: text }) {
  const item = made("li", outcome === "ignored" ? "ignored" : "");
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  const time = made("time", "at", isToday ? exactly(at) : when(at));
  time.dateTime = at;
  time.title = new Date(at).toLocaleString();
  item.append(time, sentence(text));
  return item;
}

function append(entries) {
  const news = entries.filter(({ seq }) => seq > last);
  if (news.length === 0) return;
  if (last === 0) first = news[0].seq;
  list.append(...news.map(line));
  last = news.at(-1).seq;
  while (list.children.length > most) {
    list.firstChild.remove();
    first += 1;
  }
  show(byId("earlier"), first > 1);
}

function page(number) {
  return ask("GET", `meetings/${id}/history?size=${size}&page=${number}`);
}

// Everything behind the last line that is shown; at first, the newest page or two.
async function catchUp() {
  let number = Math.floor(last / size) + 1;
  const { items, total } = await page(number);
  const newest = Math.max(1, Math.ceil(total / size));
  if (last === 0 && newest > 1) number = newest - 1;
  else append(items);
  for (number = last === 0 ? number : number + 1; number <= newest; number += 1) append((await page(number)).items);
}

async function earlier() {
  const { items } = await page(Math.max(1, Math.ceil((first - 1) / size)));
  const those = items.filter(({ seq }) => seq < first);
  if (those.length > 0) {
    list.prepend(...those.map(line));
    first = those[0].seq;
  }
  show(byId("earlier"), those.length > 0 && first > 1);
}

function draw() {
  if (!meeting) return;
  const { phase, num_clients, start_date, end_date, closes_at, closes_because, closed_at, close_reason } = meeting;
  put(byId("phase"), "data-phase", phase);
  say(byId("phase"), phases[phase]);
  say(byId("people"), phase === "closed" ? "" : people(num_clients));
  say(byId("dates"), span(start_date, end_date));
  if (closed_at) say(byId("closes"), `Closed at ${when(closed_at)}: ${closedBecause(close_reason)}.`);
  else say(byId("closes"), closes_at ? `Closes at ${when(closes_at)} ${closesBecause(closes_because)},` : "");
  say(byId("left"), closes_at ? left(closes_at) : "");
}

function name(room) {
  if (!room) return;
  say(byId("room"), room);
  document.title = `Meeting in ${room}`;
  byId("lobby").href = place(`lobby/${room}`);
  show(byId("lobby"), true);
}

function live() {
  const hear = (told) => {
    if (told.meeting_id !== meeting.id) return;
    name(told.room);
    meeting = told.meeting ?? meeting;
    if (told.entry?.seq === last + 1) append([told.entry]);
    else if (told.entry?.seq > last) catchUp().catch(() => null);
    draw();
  };
  const begin = async () => {
    // What happened while nobody listened.
    meeting = await ask("GET", `meetings/${id}`);
    await catchUp();
    draw();
  };
  const ready = () => begin().catch(() => null);
  listen(`events?room=${meeting.room_id}`, { meeting: hear, entry: hear, ready }, (is) => away(!is));
  setInterval(() => { if (!document.hidden) draw(); }, 1000);
}

async function begin() {
  const who = await persistently(whoami, away);
  showWho(byId("who"), who);
  show(byId("board"), who?.is_operator === true);
  try {
    await persistently(async () => {
      meeting = await ask("GET", `meetings/${id}`);
      await catchUp();
    }, away);
  } catch (refused) {
    away(false);
    put(document.querySelector("main"), "data-state", "closed");
    say(byId("instead"), { 401: "Say who you are to see this meeting. ", 403: "Only its owner sees what happened in this meeting." }[refused.status] ?? "There is no such meeting.");
    if (refused.status === 401) byId("instead").append(signInLink());
    return;
  }
  away(false);
  ask("GET", `rooms/${meeting.room_id}`).then((room) => name(room.name)).catch(() => null);
  show(byId("meeting"), true);
  put(document.querySelector("main"), "data-state", "here");
  draw();
  live();
}

byId("earlier").addEventListener("click", () => earlier().catch(() => null));
begin();
