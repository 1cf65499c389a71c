/**
 * The words of the page in the reader's language.
 *
 * The address comes first (`?lang=ko`, so that a link shows what its sender saw), then what was
 * chosen before on this computer, then what the browser asks for, then English.
 */
import en from "./texts/en.js";
import ko from "./texts/ko.js";
import ru from "./texts/ru.js";
import zh from "./texts/zh.js";

export const LANGUAGES = { en, zh, ru, ko };
const REMEMBERED = "tvmon.language";

/** The code of the language to use: one of LANGUAGES. */
export function choose(wanted, asked) {
  for (const tag of [wanted, remembered(), ...asked]) {
    const code = (tag || "").toLowerCase().split("-")[0];
    if (code in LANGUAGES) return code;
  }
  return "en";
}

/** Keep the choice for the next visit; a browser that forbids it just asks again. */
export function remember(code) {
  try {
    localStorage.setItem(REMEMBERED, code);
  } catch {
    return false;
  }
  return true;
}

function remembered() {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}
