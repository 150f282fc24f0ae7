// Signing in: what is pasted here goes to the server once, and stays nowhere.
import { ask, place } from "./server.js";
import { byId, say } from "./words.js";

// Where one came from, if that is one of our own pages.
function back() {
  const to = new URLSearchParams(location.search).get("to") ?? "";
  const home = place("./");
  if (!to.startsWith("/")) return home;
  const url = new URL(to, location.origin);
  return url.origin === location.origin ? url.href : home;
}

byId("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = byId("secret");
  const secret = field.value.trim();
  const header = secret.startsWith("rfl_") ? { "x-api-key": secret } : { authorization: `Bearer ${secret}` };
  say(byId("said"), "");
  try {
    await ask("POST", "session", {}, header);
    field.value = "";
    location.replace(back());
  } catch (refused) {
    say(byId("said"), `That did not work: ${refused.message}.`);
    field.select();
  }
});

byId("secret").focus();
