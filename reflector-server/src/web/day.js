// The day as a bar: what a meeting went through, when, and what is planned.
import { phases, put, show, when } from "./words.js";

// What is shorter is not to be seen in a day's bar, and counts as what was before it.
const resolution = 2 * 60_000;
// More than a day has room for.
const most = 96;

// The viewer's day: where it begins and ends, and how far into it an instant is, in percent.
export class Day {
  constructor(now) {
    this.start = new Date(now).setHours(0, 0, 0, 0);
    this.end = new Date(this.start).setDate(new Date(this.start).getDate() + 1);
  }

  has(instant) {
    return this.start <= instant && instant < this.end;
  }

  percent(instant) {
    const part = (instant - this.start) / (this.end - this.start);
    return Math.round(10_000 * Math.min(1, Math.max(0, part))) / 100;
  }
}

// A course is the phases that a meeting went through, each with when it began. This tells it of the next. What came late
// and changes something takes back what was thought to come after it.
export function follow(course, phase, at) {
  if (course.at(-1)?.phase === phase) return;
  while (course.length > 0 && at <= course.at(-1).from) course.pop();
  if (course.length > 1 && at - course.at(-1).from < resolution) course.pop();
  if (course.at(-1)?.phase === phase) return;
  course.push({ phase, from: at });
  if (course.length > most) course.shift();
}

export function courseOf(entries) {
  const course = [];
  for (const { phase, at } of entries) follow(course, phase, Date.parse(at));
  return course;
}

// In words, for whoever does not see the bar.
export function told(course, meeting, now) {
  const parts = course.slice(-4).map(({ phase, from }) => `${phases[phase].toLowerCase()} from ${when(from)}`);
  if (Date.parse(meeting.end_date) <= now) parts.push(`past its end since ${when(meeting.end_date)}`);
  return parts.length ? `Today: ${parts.join(", ")}` : "Today";
}

function piece(name) {
  const element = document.createElement("span");
  element.className = name;
  return element;
}

function stretch(element, from, to) {
  for (const [name, value] of [["--from", `${from}`], ["--to", `${to}`]]) {
    if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value);
  }
}

// Where the present is, which the board moves on for all bars at once.
const present = "var(--now)";

export class Bar {
  constructor() {
    this.element = piece("day");
    this.element.setAttribute("role", "img");
    [this.plan, this.over] = [piece("plan"), piece("over")];
    this.parts = [];
    this.element.append(this.plan, this.over);
  }

  draw(course, meeting, day, now) {
    const today = course.filter((_, number) => (course[number + 1]?.from ?? Infinity) > day.start);
    while (this.parts.length > today.length) this.parts.pop().remove();
    while (this.parts.length < today.length) {
      const part = piece("part");
      this.parts.push(part);
      this.element.insertBefore(part, this.over);
    }
    today.forEach(({ phase, from }, number) => {
      const next = today[number + 1];
      put(this.parts[number], "data-phase", phase);
      stretch(this.parts[number], day.percent(from), next ? day.percent(next.from) : present);
    });
    const [start, end] = [Date.parse(meeting.start_date), Date.parse(meeting.end_date)];
    stretch(this.plan, day.percent(start), day.percent(end));
    // People stay past the end of a meeting, or may come back: that is its overtime.
    const isOver = end <= now && ["waiting", "live", "grace"].includes(meeting.phase);
    show(this.over, isOver);
    if (isOver) stretch(this.over, day.percent(end), present);
    put(this.element, "aria-label", told(course, meeting, now));
  }
}
