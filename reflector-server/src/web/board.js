// The board: every open meeting as it stands, moved by what the server tells.
import { Day } from "./day.js";
import { Row } from "./row.js";
import { ask, listenToMeetings, persistently, place, showWho, signInLink, whoami } from "./server.js";
import { byId, closedBecause, left, made, put, say, show, when } from "./words.js";
import { Work } from "./work.js";

const rows = new Map();
// The same by room: a row never moves, so that nobody loses sight of it.
const order = [];
const changed = new Set();
const visible = new Set();
const awaiting = [];
const work = new Work();
let day = new Day(Date.now());
let asked = 0;
let isReady = false;
let next = [];

// How many histories are asked for at once, of how many pages at the most, and how many ends are remembered.
const atOnce = 3;
const pages = 10;
const size = 200;
const ends = 10;
const nearest = 3;

function state(is) {
  put(document.querySelector("main"), "data-state", is);
}

// Rows come and go.

function before(a, b) {
  return a.room < b.room || (a.room === b.room && a.id < b.id);
}

function enter(row) {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(order[middle], row)) low = middle + 1; else high = middle;
  }
  byId("rows").insertBefore(row.element, order[low]?.element ?? null);
  order.splice(low, 0, row);
  row.element.row = row;
  sight.observe(row.element);
}

function leave(row) {
  const number = order.indexOf(row);
  const hadFocus = row.element.contains(document.activeElement);
  order.splice(number, 1);
  sight.unobserve(row.element);
  row.element.row = null;
  row.element.remove();
  for (const kept of [changed, visible]) kept.delete(row);
  rows.delete(row.id);
  if (hadFocus) (order[number] ?? order[number - 1])?.link.focus();
  if (hadFocus && document.activeElement === document.body) byId("meetings-title").focus();
}

function remember(id, room, meeting) {
  const item = made("li");
  const link = made("a", "", room);
  link.href = place(`board/meetings/${id}`);
  const why = meeting ? ` closed at ${when(meeting.closed_at ?? Date.now())}: ${closedBecause(meeting.close_reason)}` : " has closed";
  item.append(link, why);
  byId("lately").prepend(item);
  while (byId("lately").children.length > ends) byId("lately").lastChild.remove();
  show(byId("lately-section"), true);
  say(byId("news"), `${room}${why}.`);
}

// Drawing: what has changed, once for each frame.

function redraw(row) {
  changed.add(row);
  if (changed.size === 1) requestAnimationFrame(draw);
}

function draw() {
  const now = Date.now();
  for (const row of changed) {
    row.draw(day, now);
    choose(row);
  }
  changed.clear();
  count();
}

function count() {
  const figures = { live: 0, grace: 0, waiting: 0, closing: 0, people: 0 };
  for (const { meeting } of order) {
    if (meeting.phase in figures) figures[meeting.phase] += 1;
    figures.people += meeting.num_clients;
  }
  for (const [name, figure] of Object.entries(figures)) say(byId(name), `${figure}`);
  say(byId("all"), `${order.length}`);
  const shown = order.filter(({ element }) => !element.hidden).length;
  const none = isReady && order.length === 0 ? "No meeting is open." : "";
  say(byId("shown"), shown === order.length ? none : `${shown} of ${order.length} are shown.`);
}

function choose(row) {
  const [text, phase] = [byId("search").value.trim().toLowerCase(), byId("phase").value];
  const isOver = Date.parse(row.meeting.end_date) <= Date.now();
  const fits = phase === "over" ? isOver : !phase || phase === row.meeting.phase;
  show(row.element, fits && row.room.toLowerCase().includes(text));
}

// Once a second: countdowns that are in sight, and what closes next of all.
function tick() {
  if (document.hidden) return;
  const now = Date.now();
  if (!day.has(now)) {
    day = new Day(now);
    order.forEach(redraw);
  }
  const present = `${day.percent(now)}`;
  const board = byId("board");
  if (board.style.getPropertyValue("--now") !== present) board.style.setProperty("--now", present);
  for (const row of visible) row.tick(now);
  closeNext(now);
}

function closeNext(now) {
  const first = [];
  for (const row of order) {
    if (!row.meeting.closes_at) continue;
    row.closesAt = Date.parse(row.meeting.closes_at);
    const number = first.findIndex((other) => row.closesAt < other.closesAt);
    if (number >= 0) first.splice(number, 0, row); else if (first.length < nearest) first.push(row);
    first.length = Math.min(first.length, nearest);
  }
  const list = byId("next");
  // Whoever is about to follow one of these links goes where it says.
  if (!list.contains(document.activeElement)) next = first;
  show(byId("next-closing"), next.length > 0);
  while (list.children.length > next.length) list.lastChild.remove();
  while (list.children.length < next.length) {
    const item = made("li");
    item.append(made("a"), made("span", "left"));
    list.append(item);
  }
  next.forEach((row, number) => {
    const [link, time] = list.children[number].children;
    put(link, "href", row.link.href);
    say(link, row.room);
    say(time, left(row.meeting.closes_at, now));
  });
}

// What a meeting went through is asked for when it comes into sight, a few at a time.

const sight = new IntersectionObserver((entries) => {
  for (const { target: { row }, isIntersecting } of entries) {
    if (!row) continue;
    if (!isIntersecting) {
      visible.delete(row);
      continue;
    }
    visible.add(row);
    row.tick(Date.now());
    if (!row.hasHistory && !awaiting.includes(row)) awaiting.push(row);
  }
  askHistories();
}, { rootMargin: "200px" });

function askHistories() {
  while (asked < atOnce && awaiting.length > 0) {
    const row = awaiting.shift();
    // Out of sight again, or gone: it is asked for when it comes back.
    if (!visible.has(row)) continue;
    asked += 1;
    history(row.id).then((entries) => {
      row.takeHistory(entries);
      if (rows.has(row.id)) redraw(row);
    }).catch(() => null).finally(() => {
      asked -= 1;
      askHistories();
    });
  }
}

// The newest pages of a history.
async function history(id) {
  const page = (number) => ask("GET", `meetings/${id}/history?size=${size}&page=${number}`);
  const first = await page(1);
  const last = Math.ceil(first.total / size);
  const entries = last <= pages ? first.items : [];
  for (let number = Math.max(2, last - pages + 1); number <= last; number += 1) entries.push(...(await page(number)).items);
  return entries;
}

function live() {
  listenToMeetings("events", {
    told: (id, meeting, room, entry) => {
      const known = rows.get(id);
      const row = known ?? new Row(id);
      row.take(meeting, room, entry);
      if (!known) {
        rows.set(id, row);
        enter(row);
      }
      redraw(row);
    },
    gone: (id, meeting) => {
      const row = rows.get(id);
      if (!row) return;
      remember(id, row.room, meeting);
      leave(row);
      count();
      closeNext(Date.now());
    },
    ready: () => {
      isReady = true;
      state("here");
      count();
      tick();
    },
    here: (is) => {
      show(byId("away"), !is);
      say(byId("away"), is ? "" : "The server cannot be reached. This page goes on as soon as it is back.");
      state(is && isReady ? "here" : "away");
    },
    work: (figures) => work.take(figures),
  });
  setInterval(tick, 1000);
}

async function begin() {
  const away = () => {
    show(byId("away"), true);
    say(byId("away"), "The server cannot be reached. This page goes on as soon as it is back.");
  };
  const who = await persistently(whoami, away);
  show(byId("away"), false);
  showWho(byId("who"), who);
  if (!who?.is_operator) {
    state("closed");
    byId("instead").append(who ? "The board is for operators." : "The board is for operators: say who you are. ");
    if (!who) byId("instead").append(signInLink());
    return;
  }
  show(byId("board"), true);
  for (const event of ["input", "change"]) {
    byId("choose").addEventListener(event, () => {
      order.forEach(choose);
      count();
    });
  }
  byId("choose").addEventListener("submit", (event) => event.preventDefault());
  tick();
  live();
  await work.ask();
}

begin();
