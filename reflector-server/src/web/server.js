// Talking to the server: asking it, being told as things happen, and signing in.

// Where the server is, whatever path a proxy may add before it: this file is one step below.
const base = new URL("../", import.meta.url);

export function place(path) {
  return new URL(path, base).href;
}

// What was asked for cannot be had: with the status of the answer, or 0 if there was none.
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }

  // Whether it may be had if it is asked for again.
  get mayPass() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export async function ask(method, path, body, headers) {
  const options = { method, headers: { ...headers } };
  if (method !== "GET" && method !== "DELETE") {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body ?? {});
  }
  let answer, told;
  try {
    answer = await fetch(place(`v1/${path}`), options);
    told = answer.status === 204 ? null : await answer.json();
  } catch {
    throw new Refused(answer?.ok === false ? answer.status : 0, "the server cannot be reached");
  }
  if (!answer.ok) throw new Refused(answer.status, told?.detail ?? answer.statusText);
  return told;
}

// Who looks at the page; nothing if they did not say.
export async function whoami() {
  try {
    return await ask("GET", "session");
  } catch (refused) {
    if (refused.status === 401) return null;
    throw refused;
  }
}

// Leads to the page on which one says who one is, and from there back to this one.
export function signInLink() {
  const link = document.createElement("a");
  link.href = place(`sign-in?to=${encodeURIComponent(location.pathname + location.search)}`);
  link.className = "go";
  link.textContent = "Sign in";
  return link;
}

// Shows who looks at the page, with a way out for those who signed in.
export function showWho(element, who) {
  if (!who) return element.replaceChildren(signInLink());
  if (!who.expires_at) return element.replaceChildren();
  const out = document.createElement("button");
  out.type = "button";
  out.className = "quiet";
  out.textContent = "Sign out";
  out.addEventListener("click", async () => {
    await ask("DELETE", "session").catch(() => null);
    location.reload();
  });
  element.replaceChildren(`${who.user} `, out);
}

const firstWait = 500;
const longestWait = 15_000;

function spread(wait) {
  // So that not everybody comes back at once.
  return wait * (0.5 + Math.random() / 2);
}

// Tries something until it works or cannot; `away` is told of each time that it did not work.
export async function persistently(attempt, away) {
  for (let wait = firstWait; ; wait = Math.min(2 * wait, longestWait)) {
    try {
      return await attempt();
    } catch (refused) {
      if (!refused.mayPass) throw refused;
      away();
      await new Promise((go) => setTimeout(go, spread(wait)));
    }
  }
}

// Hears what a stream tells, by the names of its events, and goes on hearing when the server was away. `here` is told
// whether there is a line. Gives what ends it.
export function listen(path, heard, here) {
  let source, retry, wait = firstWait;
  const open = () => {
    source = new EventSource(place(`v1/${path}`));
    source.addEventListener("open", () => {
      wait = firstWait;
      here(true);
    });
    source.addEventListener("error", () => {
      here(false);
      // A browser comes back by itself unless it was refused.
      if (source.readyState !== EventSource.CLOSED) return;
      retry = setTimeout(open, spread(wait));
      wait = Math.min(2 * wait, longestWait);
    });
    for (const [name, hear] of Object.entries(heard)) {
      source.addEventListener(name, ({ data }) => hear(JSON.parse(data)));
    }
  };
  open();
  return () => {
    clearTimeout(retry);
    source.close();
  };
}

// The open meetings that a stream tells of, by their ids. A stream begins with all of them, and so it does when it cannot
// be gone on from: who is not among them then has closed. `told` is given each one that was heard of, `gone` each that is
// not open any more, with what is known of its end, and `ready` is told when all are there.
export function listenToMeetings(path, { told, gone, ready, here, ...others }) {
  const open = new Set();
  let begun = null;
  const hear = ({ meeting_id: id, room, entry, meeting }) => {
    if (!meeting) return;
    if (meeting.phase === "closed") {
      if (open.delete(id)) gone(id, meeting, room);
      return;
    }
    open.add(id);
    begun?.add(id);
    told(id, meeting, room, entry);
  };
  const begin = () => { begun = new Set(); };
  return listen(path, {
    meeting: hear,
    entry: hear,
    reset: begin,
    ready: () => {
      for (const id of open) {
        if (begun && !begun.has(id)) {
          open.delete(id);
          gone(id, null, null);
        }
      }
      begun = null;
      ready?.();
    },
    ...others,
  }, (is) => {
    if (is) begin();
    here(is);
  });
}
