// The words of the pages, and how they are put there.

export const phases = {
  opening: "Opening", waiting: "Nobody yet", live: "Live", grace: "Empty", closing: "Closing", closed: "Closed",
};

// Why a meeting closes next.
const because = {
  grace_expired: "unless somebody comes back",
  never_joined: "unless somebody comes",
  overtime: "at the end of its overtime",
  max_lifetime: "at its longest life",
  cancelled: "because it was cancelled",
};

// Why a meeting has closed.
const ends = {
  grace_expired: "nobody came back",
  never_joined: "nobody came",
  overtime: "its overtime was over",
  max_lifetime: "it had lived its longest",
  cancelled: "it was cancelled",
  ended_by_owner: "its owner ended it",
};

export function closesBecause(reason) {
  return because[reason] ?? words(reason);
}

export function closedBecause(reason) {
  return ends[reason] ?? words(reason);
}

export function words(name) {
  return (name ?? "").replaceAll("_", " ");
}

export function people(count) {
  return count === 1 ? "1 person" : `${count} people`;
}

const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const clockAndDay = new Intl.DateTimeFormat([], { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const toTheSecond = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

// An instant in the viewer's zone: with its day unless that is today.
export function when(instant, now = new Date()) {
  const at = new Date(instant);
  return at.toDateString() === now.toDateString() ? clock.format(at) : clockAndDay.format(at);
}

export function exactly(instant) {
  return toTheSecond.format(new Date(instant));
}

// From when until when, the day said once.
export function span(start, end) {
  const [from, to] = [new Date(start), new Date(end)];
  const sameDay = from.toDateString() === to.toDateString();
  return `${when(from)} – ${sameDay ? clock.format(to) : when(to)}`;
}

// How long it is until an instant, to the second once it is near.
export function left(instant, now = Date.now()) {
  const seconds = Math.ceil((Date.parse(instant) - now) / 1000);
  if (seconds <= 0) return "any moment";
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours >= 24) return `in ${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours > 0) return `in ${hours} h ${minutes} min`;
  return `in ${minutes}:${String(seconds % 60).padStart(2, "0")}`;
}

// Puts a text where it is not yet: nothing moves for what stays the same, neither on the screen nor in a reader.
export function say(element, text) {
  const node = element.firstChild;
  if (!node) {
    if (text) element.append(text);
  } else if (node.data !== text) {
    node.data = text;
  }
}

export function put(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export function show(element, is) {
  if (element.hidden === is) element.hidden = !is;
}

export function made(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}
