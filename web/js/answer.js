/**
 * Asking the API for JSON.
 */

/** What an address answers; throws Refused with the sentence that says why it does not. */
export async function answer(address, signal) {
  const response = await fetch(address, { signal });
  if (!response.ok) throw new Refused(await reasonOf(response));
  return response.json();
}

/** The API, or a proxy before it, answered with an error. */
export class Refused extends Error {}

async function reasonOf(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `HTTP ${response.status}`;
  }
}
