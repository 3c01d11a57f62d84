// Points in time in an address: in UTC, so that a link says the same to everybody, while fields show them in one's own zone.

const two = (number) => String(number).padStart(2, "0");

/** "2026-11-30T20:15" of a field, in the browser's zone, as "2026-11-30T19:15:00Z"; empty for no time. */
export function instantOf(local) {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString().replace(/\.\d+Z$/, "Z");
}

/** The other way round. */
export function localOf(instant) {
  const at = new Date(instant);
  if (!instant || Number.isNaN(at.getTime())) return "";
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
