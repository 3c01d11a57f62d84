// Roles, from the one that may least: each may what the ones before may. What a page leaves out, the server refuses.

const ORDER = ["member", "viewer", "editor", "admin"];

export const may = (role, needed) => ORDER.indexOf(role) >= ORDER.indexOf(needed);

const OF_MEMBERS = ["/spend", "/keys", "/teams", "/playground"];
const OF_ADMINS = ["/audit"];

/** The role that a page needs. */
export const neededFor = (page) =>
  OF_MEMBERS.includes(page) ? "member" : OF_ADMINS.includes(page) ? "admin" : "viewer";

export const titleOf = (role) => role[0].toUpperCase() + role.slice(1);
