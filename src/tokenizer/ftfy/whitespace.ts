/**
 * The characters that Python's `\s` and `str.strip` take for blanks, as the inside of a character class. JavaScript's
 * `\s` differs: it lacks U+001C..U+001F and U+0085 and adds U+FEFF.
 */
export const BLANKS = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
