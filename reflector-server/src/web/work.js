// What is owed, and how far recordings and their runs are. The newest of each are shown.
import { ask, listen } from "./server.js";
import { byId, made, say, when, words } from "./words.js";

const shown = 10;
// How often listings are asked for at the most, and how many runs are watched: a browser has few lines to a server.
const rest = 2000;
const watched = 2;

const signs = { pending: "○", running: "●", done: "✓", skipped: "–", failed: "✕" };

function figures(of) {
  return Object.entries(of ?? {}).filter(([, count]) => count > 0).map(([name, count]) => `${count} ${words(name)}`).join(", ");
}

function span(seconds) {
  if (!(seconds >= 60)) return `${Math.round(seconds ?? 0)} s`;
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 360) / 10} h`;
}

function owed({ effects = 0, notices = 0, oldest_seconds: oldest } = {}) {
  if (effects + notices === 0) return "Nothing is owed.";
  const parts = [];
  if (effects) parts.push(`${effects} ${effects === 1 ? "thing" : "things"} at providers`);
  if (notices) parts.push(`${notices} ${notices === 1 ? "message" : "messages"} to owners`);
  return `Owed: ${parts.join(", ")}; the oldest for ${span(oldest)}.`;
}

function recording({ object_key: key, status, error, recorded_at: at }) {
  const item = made("li");
  item.append(made("span", `status ${status}`, words(status)), ` ${key.split("/").pop()}`);
  if (at) item.append(` · ${when(at)}`);
  if (error) item.append(made("div", "hint", error));
  return item;
}

function stage({ name, status, attempts, reason, progress }) {
  const parts = [words(name)];
  if (progress) parts.push(`${progress.done} of ${progress.of}`);
  if (attempts > 1) parts.push(`attempt ${attempts}`);
  if (status === "failed" && reason) parts.push(reason);
  const item = made("li", status);
  const sign = made("span", "", `${signs[status] ?? ""} `);
  sign.setAttribute("aria-hidden", "true");
  item.append(sign, parts.join(", "), made("span", "sr", ` ${status}`));
  return item;
}

function isOver(status) {
  return status === "ended" || status === "error";
}

function run({ title, status, created_at: at, stages }) {
  const item = made("li");
  item.append(made("span", `status ${status}`, words(status)), ` ${title ?? "no title yet"} · ${when(at)}`);
  const list = made("ul", "stages");
  list.append(...stages.map(stage));
  item.append(list);
  return item;
}

// A list of which only the items are made anew that look different.
class Items {
  constructor(list, draw) {
    [this.list, this.draw, this.known] = [list, draw, new Map()];
  }

  show(all) {
    const before = this.known;
    this.known = new Map();
    for (const one of all) {
      const looks = JSON.stringify(one);
      const known = before.get(one.id);
      this.known.set(one.id, known?.looks === looks ? known : { looks, one, element: this.draw(one) });
    }
    const elements = [...this.known.values()].map(({ element }) => element);
    for (const child of [...this.list.children]) if (!elements.includes(child)) child.remove();
    elements.forEach((element, number) => {
      if (this.list.children[number] !== element) this.list.insertBefore(element, this.list.children[number] ?? null);
    });
  }

  change(id, more) {
    const all = [...this.known.values()].map(({ one }) => (one.id === id ? { ...one, ...more } : one));
    this.show(all);
  }
}

function brief({ id, title, status, created_at, stages }) {
  return { id, title, status, created_at, stages };
}

export class Work {
  constructor() {
    this.recordings = new Items(byId("recordings"), recording);
    this.runs = new Items(byId("runs"), run);
    this.watches = new Map();
    this.asking = null;
  }

  // New figures: what they count is asked for as well, soon.
  take({ owed: is, recordings, runs }) {
    say(byId("owed"), owed(is));
    say(byId("recordings-figures"), figures(recordings) || "Nothing is on its way.");
    say(byId("runs-figures"), figures(runs) || "Nothing is on its way.");
    this.asking ??= setTimeout(() => this.ask(), rest);
  }

  async ask() {
    try {
      const [recordings, runs] = await Promise.all([ask("GET", `recordings?size=${shown}`), ask("GET", `transcripts?size=${shown}`)]);
      this.recordings.show(recordings.items.map(({ id, object_key, status, error, recorded_at }) => ({ id, object_key, status, error, recorded_at })));
      this.runs.show(runs.items.map(brief));
      this.watch(runs.items.filter(({ status }) => !isOver(status)).slice(0, watched));
    } catch {
      // The next figures ask again.
    }
    this.asking = null;
  }

  // Follows these runs, and no others.
  watch(those) {
    for (const [id, end] of this.watches) {
      if (those.some((run) => run.id === id)) continue;
      end();
      this.watches.delete(id);
    }
    for (const { id } of those) {
      if (!this.watches.has(id)) this.watches.set(id, listen(`transcripts/${id}/events`, { progress: (told) => this.progress(id, told) }, () => null));
    }
  }

  progress(id, { status, stages }) {
    this.runs.change(id, { status, stages });
    // The stream of a run that is over ends, and would be begun again and again.
    if (isOver(status)) {
      this.watches.get(id)?.();
      this.watches.delete(id);
    }
  }
}
