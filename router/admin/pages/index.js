// Text is set with textContent only: names of models, teams and keys come from outside.

const show = (text) => { document.querySelector("#sentence").textContent = text; };

async function ask(path, options = {}) {
  const response = await fetch(path, options);
  if (response.status === 401) location.assign("/sign-in");
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

document.querySelector("#sign-out").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { csrf } = await ask("/api/session");
  await ask("/sign-out", { method: "POST", headers: { "x-csrf-token": csrf } });
  location.assign("/sign-in");
});

try {
  show((await ask("/api/breakeven")).sentence);
} catch (error) {
  show(error.message);
}
