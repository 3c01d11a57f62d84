// The form works without this script, which only says what went wrong.

const PROBLEMS = {
  wrong_token: "This token is not right.",
  too_many_attempts: "Too many wrong tokens: wait a minute.",
};

const problem = new URLSearchParams(location.search).get("problem");
if (problem) document.querySelector("#problem").textContent = PROBLEMS[problem] ?? "Signing in failed.";
