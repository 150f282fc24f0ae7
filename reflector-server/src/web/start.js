// The start page: rooms, their meetings, and a button to meet now.
import { ask, persistently, place, showWho, whoami } from "./server.js";
import { byId, closesBecause, made, people, say, when } from "./words.js";

const said = byId("said");
const list = byId("rooms");

function line(meeting) {
  const phase = { live: `live, ${people(meeting.num_clients)}`, grace: "empty for now", waiting: "nobody yet" }[meeting.phase];
  const closes = meeting.closes_at ? `, closes ${when(meeting.closes_at)} ${closesBecause(meeting.closes_because)}` : "";
  return made("li", meeting.phase, phase + closes);
}

async function meet(room) {
  try {
    const meeting = await ask("POST", `rooms/${room.name}/meeting`);
    location.href = meeting.room_url;
  } catch (refused) { say(said, refused.message); }
}

function item(room, meetings) {
  const item = made("li");
  const head = made("div", "head");
  const go = made("button", "", "Meet now");
  go.type = "button";
  go.setAttribute("aria-label", `Meet now in ${room.name}`);
  go.addEventListener("click", () => meet(room));
  const lobby = made("a", "", "Lobby");
  lobby.href = place(`lobby/${room.name}`);
  lobby.setAttribute("aria-label", `Lobby of ${room.name}`);
  head.append(made("strong", "", room.name), lobby, go);
  const going = made("ul", "meetings");
  going.append(...meetings.map(line));
  item.append(head, going);
  return item;
}

async function draw() {
  try {
    const rooms = (await ask("GET", "rooms?size=200")).items;
    const meetings = await Promise.all(rooms.map((room) => ask("GET", `rooms/${room.id}/meetings/active`).catch(() => [])));
    list.replaceChildren(...rooms.map((room, number) => item(room, meetings[number])));
  } catch (refused) { say(said, `The rooms cannot be shown: ${refused.message}.`); }
}

byId("make").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await ask("POST", "rooms", { name: event.target.name.value });
    event.target.reset();
    say(said, "The room is there.");
  } catch (refused) { say(said, refused.message); }
  await draw();
});

const who = await persistently(whoami, () => say(said, "The server cannot be reached. Trying again."));
showWho(byId("who"), who);
say(said, who ? "" : "Sign in to see your rooms.");
if (who) {
  byId("make").hidden = false;
  byId("board").hidden = !who.is_operator;
  await draw();
  setInterval(() => { if (!document.hidden && !list.contains(document.activeElement)) draw(); }, 5000);
}
