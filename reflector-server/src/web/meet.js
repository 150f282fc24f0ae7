// The page of a built-in room: it joins, shows who is here, and comes back when the line drops.
"use strict";

(() => {
  const { room, meeting } = document.body.dataset;
  const element = (id) => document.getElementById(id);
  // Works below any path that a proxy may add in front of /meet/….
  const base = location.pathname.slice(0, location.pathname.lastIndexOf("/meet/"));
  const kept = `reflector.connection.${meeting}`;
  const longestWait = 15_000;
  const mostCircles = 12;

  let socket = null;
  let attempt = 0;
  let retry = null;
  let closesAt = null;
  let ticking = null;
  // What is running now: whatever belongs to an earlier joining is ignored.
  let joining = 0;

  const states = {
    joining: "Joining…",
    in: "Connected",
    lost: "Reconnecting…",
    left: "Left",
    ended: "Ended",
    refused: "Not connected",
  };

  function show(state) {
    document.body.dataset.state = state;
    element("state").textContent = states[state];
    const inside = ["joining", "in", "lost"].includes(state);
    element("inside").hidden = !inside;
    element("outside").hidden = inside;
    element("leave").hidden = !inside;
    element("again").hidden = inside;
    element("back").hidden = inside || history.length < 2;
    element("sign-in").hidden = true;
  }

  function person(kind, text) {
    const circle = document.createElement("span");
    circle.className = `person ${kind}`;
    if (text) {
      circle.textContent = text;
    } else if (kind !== "waiting") {
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("viewBox", "0 0 24 24");
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm0 2c-4.2 0-7.5 2.2-7.5 5v1h15v-1c0-2.8-3.3-5-7.5-5Z");
      svg.append(path);
      circle.append(svg);
    }
    return circle;
  }

  function count(now) {
    // Whoever sees this page is here, whatever the count says for a moment.
    const here = Math.max(now, 1);
    const people = element("people");
    // The last circle stands for all that have no room of their own.
    const circles = here > mostCircles ? mostCircles - 1 : here;
    while (people.children.length > circles || people.querySelector(".waiting, .more")) people.lastChild.remove();
    while (people.children.length < circles) {
      people.append(people.children.length === 0 ? person("you", "You") : person(""));
    }
    if (here > circles) people.append(person("more", `+${here - circles}`));
    element("count").textContent = here === 1 ? "You are the only one here" : `${here} people are here`;
    element("hint").textContent = here === 1 ? "Others appear as soon as they join." : "";
    document.title = here === 1 ? room : `(${here}) ${room}`;
  }

  // Closing soon: a countdown for the eye, and a word now and then for the ear.

  function closingSoon(instant) {
    closesAt = instant ? Date.parse(instant) : null;
    clearInterval(ticking);
    element("banner").hidden = true;
    if (closesAt === null || Number.isNaN(closesAt)) return;
    const minutes = Math.max(1, Math.round((closesAt - Date.now()) / 60_000));
    say(`This meeting closes in ${minutes === 1 ? "one minute" : `${minutes} minutes`}.`);
    ticking = setInterval(tick, 500);
    tick();
  }

  function tick() {
    const left = Math.max(0, Math.ceil((closesAt - Date.now()) / 1000));
    element("left").textContent = left === 0 ? "a moment" : `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    element("banner").hidden = false;
  }

  function say(words) {
    element("spoken").textContent = words;
  }

  // In and out.

  function leaveWith(state, title, text, again) {
    joining += 1;
    clearTimeout(retry);
    clearInterval(ticking);
    if (socket) socket.close(1000);
    socket = null;
    element("banner").hidden = true;
    element("outside-title").textContent = title;
    element("outside-text").textContent = text;
    element("again").textContent = again;
    element("again").disabled = false;
    document.title = room;
    show(state);
    element("outside-title").focus();
  }

  function leave() {
    sessionStorage.removeItem(kept);
    leaveWith("left", "You left the meeting", "Others may still be here.", "Join again");
  }

  function ended() {
    sessionStorage.removeItem(kept);
    leaveWith("ended", "This meeting has ended", "Thank you for being here.", "Meet again");
  }

  function refused(text) {
    leaveWith("refused", "You could not join", text, "Try again");
  }

  function strange() {
    refused("This room is not open to guests. Sign in, or ask whoever invited you.");
    element("sign-in").href = `${base}/sign-in?to=${encodeURIComponent(location.pathname)}`;
    element("sign-in").hidden = false;
  }

  // Whether nobody said who looks at this page.
  async function isNobody() {
    return (await fetch(`${base}/v1/session`)).status === 401;
  }

  function comeBack(mine, wait) {
    if (mine !== joining) return;
    joining += 1;
    socket = null;
    if (document.body.dataset.state === "in") {
      show("lost");
      element("hint").textContent = "The connection was lost. You will be back in a moment.";
    }
    attempt += 1;
    const doubled = Math.min(longestWait, 500 * 2 ** Math.min(attempt - 1, 8));
    // Spread, so that not everybody comes back at once.
    const soon = Math.max(wait || 0, doubled * (0.5 + Math.random() / 2));
    clearTimeout(retry);
    retry = setTimeout(join, soon);
  }

  async function join() {
    clearTimeout(retry);
    joining += 1;
    const mine = joining;
    let answer;
    try {
      answer = await fetch(`${base}/v1/rooms/${encodeURIComponent(room)}/meetings/${meeting}/join`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: "{}",
      });
      if (mine !== joining) return;
      // To whoever is no guest here the room does not exist.
      if (answer.status === 404 && await isNobody()) return strange();
      if (mine !== joining) return;
      if ([400, 404, 409, 410].includes(answer.status)) return ended();
      if (answer.status === 401 || answer.status === 403) return strange();
      if (!answer.ok) return comeBack(mine, 1000 * Number(answer.headers.get("Retry-After")) || 0);
      const { participant_token: token } = await answer.json();
      if (mine === joining) open(mine, token);
    } catch {
      comeBack(mine);
    }
  }

  function open(mine, token) {
    const line = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${location.pathname.replace(/\/$/, "")}/socket`);
    socket = line;
    line.onopen = () => {
      const connection = sessionStorage.getItem(kept) || undefined;
      line.send(JSON.stringify({ token, connection }));
    };
    line.onmessage = ({ data }) => {
      if (mine !== joining) return;
      const said = JSON.parse(data);
      if (said.closed) return ended();
      if (said.connection) {
        sessionStorage.setItem(kept, said.connection);
        attempt = 0;
        closingSoon(null);
        show("in");
      }
      if (said.humans !== undefined) count(said.humans);
      if (said.closing_soon !== undefined) closingSoon(said.closing_soon);
    };
    line.onclose = ({ code, reason }) => {
      if (mine !== joining) return;
      if (code === 1013 && reason === "the meeting is full") {
        return refused("The meeting is full. Try again when somebody has left.");
      }
      comeBack(mine);
    };
  }

  async function again() {
    const button = element("again");
    const over = document.body.dataset.state === "ended";
    button.disabled = true;
    if (!over) {
      attempt = 0;
      element("count").textContent = "Joining the room…";
      element("hint").textContent = "";
      show("joining");
      element("leave").focus();
      button.disabled = false;
      return join();
    }
    try {
      const answer = await fetch(`${base}/v1/rooms/${encodeURIComponent(room)}/meeting`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: "{}",
      });
      const made = answer.ok ? await answer.json() : {};
      if (made.room_url) return location.assign(made.room_url);
    } catch {
      // Said below.
    }
    button.disabled = false;
    element("outside-text").textContent = "A new meeting could not be started from here. Ask the owner of the room for a new link.";
    say(element("outside-text").textContent);
  }

  element("leave").addEventListener("click", leave);
  element("again").addEventListener("click", again);
  element("back").addEventListener("click", () => history.back());
  // Back on the network: no need to wait any longer.
  addEventListener("online", () => {
    if (document.body.dataset.state === "lost") join();
  });
  // A page that comes out of the browser's cache has lost its line.
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted && document.body.dataset.state === "in") join();
  });
  // Closing the tab is leaving, also where the browser would let the line linger.
  addEventListener("pagehide", () => {
    if (socket) socket.close(1000);
  });

  element("people").append(person("waiting"));
  show("joining");
  join();
})();
