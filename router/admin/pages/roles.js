// Roles, from the one that may least: each may what the ones before may. What a page leaves out, the server refuses.

const ORDER = ["member", "viewer", "editor", "admin"];

export const may = (role, needed) => ORDER.indexOf(role) >= ORDER.indexOf(needed);

const OF_MEMBERS = ["/spend", "/keys", "/teams", "/playground"];
const OF_ADMINS = ["/audit"];

/** The role that a page needs. */
export const neededFor = (page) =>
  OF_MEMBERS.includes(page) ? "member" : OF_ADMINS.includes(page) ? "admin" : "viewer";

const RIGHTS = {
  member: "You see the spend and the keys of your own teams.",
  viewer: "You see everything but the audit, and can try drafts of the policy.",
  editor:
    "You can change the policy, and so where every prompt goes: backends at any address, zones and levels, keys by their hash, and secrets at the hosts that the policy allows for them.",
  admin: "You can do everything: change the policy, make and end keys, set budgets, switch units and read the audit.",
};

/** What a role may, for whoever has it. */
export const rightsOf = (role) => RIGHTS[role];

export const titleOf = (role) => role[0].toUpperCase() + role.slice(1);
