// The start page: rooms, their meetings, and a button to meet now.
const said = document.getElementById("said");
const list = document.getElementById("rooms");

async function call(method, path, body) {
  const options = { method, headers: { "content-type": "application/json" } };
  if (method !== "GET") options.body = JSON.stringify(body ?? {});
  const answer = await fetch("/v1" + path, options);
  const told = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(told?.detail ?? answer.statusText);
  return told;
}

function made(tag, text, name) {
  const element = document.createElement(tag);
  element.textContent = text;
  if (name) element.className = name;
  return element;
}

function at(time) {
  return new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

const closing = {
  grace_expired: "unless somebody comes back", never_joined: "unless somebody comes", cancelled: "cancelled",
  overtime: "when its overtime is over", max_lifetime: "when it has lived its longest",
};

function line(meeting) {
  const people = meeting.num_clients === 1 ? "1 person" : `${meeting.num_clients} people`;
  const phase = { live: `live, ${people}`, grace: "empty for now", waiting: "nobody yet" }[meeting.phase];
  const closes = meeting.closes_at ? `, closes ${at(meeting.closes_at)} ${closing[meeting.closes_because] ?? ""}` : "";
  return made("li", phase + closes, meeting.phase);
}

async function meet(room) {
  try {
    const meeting = await call("POST", `/rooms/${room.name}/meeting`);
    location.href = meeting.room_url;
  } catch (error) { said.textContent = error.message; }
}

async function show() {
  try {
    const rooms = (await call("GET", "/rooms?size=200")).items;
    const meetings = await Promise.all(rooms.map((room) => call("GET", `/rooms/${room.id}/meetings/active`).catch(() => [])));
    list.replaceChildren(...rooms.map((room, place) => {
      const item = made("li", "");
      const head = made("div", "", "head");
      const go = made("button", "Meet now");
      go.setAttribute("aria-label", `Meet now in ${room.name}`);
      go.addEventListener("click", () => meet(room));
      head.append(made("strong", room.name), go);
      const going = made("ul", "", "meetings");
      going.append(...meetings[place].map(line));
      item.append(head, going);
      return item;
    }));
  } catch (error) { said.textContent = `The server cannot be reached: ${error.message}`; }
}

document.getElementById("make").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await call("POST", "/rooms", { name: event.target.name.value });
    event.target.reset();
    said.textContent = "The room is there.";
  } catch (error) { said.textContent = error.message; }
  await show();
});

show();
setInterval(() => { if (!document.hidden && !list.contains(document.activeElement)) show(); }, 5000);
