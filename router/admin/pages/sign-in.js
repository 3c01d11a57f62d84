// The form works without this script, which says what went wrong and offers the provider that people have names with.

import { queryOf } from "{{api.js}}";
import { find } from "{{dom.js}}";

const asked = new URLSearchParams(location.search);
const problem = asked.get("problem");
const wanted = asked.get("next") ?? "";

const sentences = (name) => ({
  wrong_token: "This token is not right.",
  too_many_attempts: "Too many wrong tokens: wait a minute.",
  no_provider: "This gateway takes tokens only.",
  provider_unavailable: `${name} cannot be used now. Try again in a minute, or sign in with a token; the log of the gateway says why.`,
  provider_refused: `Signing in with ${name} failed there. Try again; the log of the gateway says why.`,
  access_denied: `${name} did not let you sign in.`,
  long_link: "The link that led here is too long to be kept: sign in, and open it again.",
  begin_again: "Signing in was not begun in this browser, or took too long. Try again.",
  not_trusted: `What ${name} answered cannot be trusted, so you are not signed in. The log of the gateway says why.`,
  no_role: `${name} knows you, but none of your groups may use this gateway. Ask the administrator of this gateway to give one of them a role; its log has your name.`,
});

function tell(name) {
  if (problem) find("#problem").textContent = sentences(name)[problem] ?? "Signing in failed.";
}

/** What is offered beside tokens; the wanted page comes back checked, so that it leads nowhere else. */
async function offer() {
  tell("The provider");
  const response = await fetch(`/api/sign-in${queryOf({ next: wanted })}`);
  if (!response.ok) return;
  const ways = await response.json();
  if (ways.signed_in && wanted && !problem) return location.replace(ways.onward);
  if (!ways.provider) return;
  tell(ways.provider);
  find("#name").textContent = ways.provider;
  find("#begin").href = ways.begin;
  if (ways.trouble) find("#trouble").textContent = `${ways.provider} cannot be used now: ${ways.trouble}.`;
  else if (ways.forgets)
    find("#trouble").textContent =
      `The link that led here is too long to be kept on the way to ${ways.provider}: open it again afterwards, or sign in with a token.`;
  find("#provider").hidden = false;
}

offer();
