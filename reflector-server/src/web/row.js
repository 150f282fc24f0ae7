// A meeting on the board. It is drawn once, and then only what has changed is touched.
import { Bar, courseOf, follow } from "./day.js";
import { place } from "./server.js";
import { closesBecause, left, made, people, phases, put, say, span, when } from "./words.js";

function cell(tag, name, ...inside) {
  const element = made(tag, name);
  // Said again, since a table that is laid out as cards is none to some readers.
  element.setAttribute("role", tag === "th" ? "rowheader" : "cell");
  element.append(...inside);
  return element;
}

export class Row {
  constructor(id) {
    this.id = id;
    this.course = [];
    this.last = { seq: 0 };
    this.isVisible = false;
    this.hasHistory = false;
    this.element = made("tr");
    this.element.setAttribute("role", "row");
    this.link = made("a");
    this.link.href = place(`board/meetings/${id}`);
    this.dates = made("span", "dates");
    this.phase = made("span", "phase");
    this.people = cell("td", "people");
    this.bar = new Bar();
    this.at = made("span", "at");
    this.left = made("span", "left");
    this.why = made("span", "why");
    this.element.append(
      cell("th", "what", this.link, this.dates),
      cell("td", "state", this.phase),
      this.people,
      cell("td", "today", this.bar.element),
      cell("td", "next", this.at, " ", this.left, " ", this.why),
    );
    this.element.children[0].scope = "row";
  }

  // What was heard of it. Nothing is drawn yet, and nothing kept but what is shown.
  take({ phase, num_clients, start_date, end_date, closes_at, closes_because }, room, entry) {
    this.room = room;
    this.meeting = { phase, num_clients, start_date, end_date, closes_at, closes_because };
    if (!entry || entry.seq <= this.last.seq) return;
    this.last = { seq: entry.seq, phase: entry.phase, at: Date.parse(entry.at) };
    follow(this.course, entry.phase, this.last.at);
  }

  // What it went through before it was heard of.
  takeHistory(entries) {
    this.course = courseOf(entries);
    this.hasHistory = true;
    if (this.last.seq > (entries.at(-1)?.seq ?? 0)) follow(this.course, this.last.phase, this.last.at);
  }

  draw(day, now) {
    const { phase, num_clients, start_date, end_date, closes_at, closes_because } = this.meeting;
    put(this.element, "data-phase", phase);
    say(this.link, this.room);
    say(this.dates, span(start_date, end_date));
    say(this.phase, phases[phase]);
    say(this.people, people(num_clients));
    say(this.at, closes_at ? `closes ${when(closes_at)}` : "");
    say(this.why, closes_at ? closesBecause(closes_because) : "");
    this.bar.draw(this.course, this.meeting, day, now);
    this.tick(now);
  }

  tick(now) {
    const { closes_at } = this.meeting;
    say(this.left, closes_at ? left(closes_at, now) : "");
    const isSoon = closes_at !== null && Date.parse(closes_at) - now < 60_000;
    if (this.left.classList.contains("soon") !== isSoon) this.left.classList.toggle("soon", isSoon);
  }
}
