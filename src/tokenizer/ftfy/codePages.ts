import { binaryText } from '../../files/byteSource.js';

/** Bytes 80..9F, A0..BF, C0..DF and E0..FF of Latin-1, which several pages share. */
const LATIN_80 = String.fromCharCode(...Array.from({ length: 32 }, (_, i) => 0x80 + i));
const LATIN_A0 = '\xa0¡¢£¤¥¦§¨©ª«¬\xad®¯°±²³´µ¶·¸¹º»¼½¾¿';
const LATIN_C0 = 'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß';
const LATIN_E0 = 'àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ';
const LATIN_UPPER = LATIN_A0 + LATIN_C0 + LATIN_E0;

/**
 * The characters of bytes 80..FF in each encoding that UTF-8 is commonly misread as, in the order ftfy tries them.
 * Bytes which a Windows page leaves undefined stand for the control character of the same number, as in the WHATWG
 * encoding standard.
 */
const upperHalves = {
  'latin-1': LATIN_80 + LATIN_UPPER,
  'windows-1252': `€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ${LATIN_UPPER}`,
  'windows-1251':
    'ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\x98™љ›њќћџ' +
    '\xa0ЎўЈ¤Ґ¦§Ё©Є«¬\xad®Ї°±Ііґµ¶·ё№є»јЅѕї' +
    'АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ' +
    'абвгдежзийклмнопрстуфхцчшщъыьэюя',
  'windows-1250':
    '€\x81‚\x83„…†‡\x88‰Š‹ŚŤŽŹ\x90‘’“”•–—\x98™š›śťžź' +
    '\xa0ˇ˘Ł¤Ą¦§¨©Ş«¬\xad®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľż' +
    'ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß' +
    'ŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙',
  'windows-1253':
    '€\x81‚ƒ„…†‡\x88‰\x8a‹\x8c\x8d\x8e\x8f\x90‘’“”•–—\x98™\x9a›\x9c\x9d\x9e\x9f' +
    '\xa0΅Ά£¤¥¦§¨©ª«¬\xad®―°±²³΄µ¶·ΈΉΊ»Ό½ΎΏ' +
    'ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡÒΣΤΥΦΧΨΩΪΫάέήί' +
    'ΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώÿ',
  'windows-1254':
    '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8d\x8e\x8f\x90‘’“”•–—˜™š›œ\x9d\x9eŸ' +
    LATIN_A0 +
    'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞß' +
    'àáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ',
  'windows-1257':
    '€\x81‚\x83„…†‡\x88‰\x8a‹\x8c¨ˇ¸\x90‘’“”•–—\x98™\x9a›\x9c¯˛\x9f' +
    '\xa0¡¢£¤¥¦§Ø©Ŗ«¬\xad®Æ°±²³´µ¶·ø¹ŗ»¼½¾æ' +
    'ĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽß' +
    'ąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž˙',
  'iso-8859-2':
    LATIN_80 +
    '\xa0Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\xadŽŻ°ą˛ł´ľśˇ¸šşťź˝žż' +
    'ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß' +
    'ŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙',
  macroman:
    'ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü' +
    '†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø' +
    '¿¡¬√ƒ≈∆«»…\xa0ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ' +
    '‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\uf8ffÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ',
  cp437:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ' +
    'áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐' +
    '└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀' +
    'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\xa0',
} as const;

/** A single-byte encoding, ready to encode. */
interface CodePage {
  readonly name: keyof typeof upperHalves;
  /** The characters of bytes 80..FF. */
  readonly upper: string;
  /** Whether byte 1A stands for U+FFFD, a character lost in an earlier conversion, as ftfy has it for Windows pages. */
  readonly keepsLost: boolean;
  /** The byte of each character that is not itself ASCII. */
  readonly bytes: ReadonlyMap<number, number>;
}

const SUBSTITUTE = 0x1a;

/** All pages in the order they are tried. */
export const codePages: readonly CodePage[] = Object.entries(upperHalves).map(([name, upper]) => {
  const keepsLost = name.startsWith('windows');
  const bytes = new Map<number, number>();
  for (let i = 0; i < 128; i++) bytes.set(upper.charCodeAt(i), 0x80 + i);
  if (keepsLost) bytes.set(0xfffd, SUBSTITUTE);
  return { name: name as CodePage['name'], upper, keepsLost, bytes };
});

/** What byte 80..9F means in Windows-1252, which is what browsers make of the C1 control characters. */
export function windows1252(byte: number): string {
  return upperHalves['windows-1252'][byte - 0x80]!;
}

/**
 * The bytes of `text` in `page`, as a string with one character 0..255 per byte, or undefined when some character is
 * not in it.
 */
export function encodeAs(page: CodePage, text: string): string | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const byte = code < 0x80 && !(page.keepsLost && code === SUBSTITUTE) ? code : page.bytes.get(code);
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return binaryText(bytes);
}
