"""The words by which texts announce their answers, in nine languages.

A cue stands before an answer ("the answer is", "答案是", "réponse :"), or around a letter ("option B is correct").
Each is bounded, so that a search for all of them is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cue:
    """One announcement of an answer.

    Attributes:
        start: Where it begins.
        end: Where it ends: what it announces begins there.
        letter: The option letter that it has in itself, ``""`` for none.
        comma: Whether its language writes decimals with a comma.
        heading: It is a heading, which announces the next line.
    """

    start: int
    end: int
    letter: str = ""
    comma: bool = False
    heading: bool = False


_QUOTES = r"[*_`\"'”’»」』】)\]]{0,4}"
_IS = (
    r"(?:is|are|was|were|be|equals?|becomes|remains|lies|has to be|appears to be|seems to be|turns out to be|"
    r"comes out (?:to be|as|to)|works out to(?: be)?|comes to)\b"
)
_MARK = r"[:：=→⇒≈]|-{1,2}>|=>"
_NOUN = (
    r"(?:answers?|ans|(?:correct|right|best|final|closest|chosen|selected|suitable|appropriate|valid|likely) "
    r"(?:multiple[- ]choice )?(?:option|choice|response|statement|letter|alternative|conclusion|pick)|"
    r"(?:correct|right|final|numerical|exact|required) (?:solution|result|value|number|count|integer|one))"
)
_NOT_ALL = r"(?! (?:choices|options)\b)"
_TAIL = r"(?: (?:choice|option|letter|value|option letter|choice letter|text))?(?:\(s\))?"
_MANNER = (
    r"(?: (?:should|would|must|will|can|could|may|might|has to|have to))?"
    r"(?: (?:only|then|therefore|thus|also|actually|likely|most likely|probably|simply|still))?"
)

# English: a noun, perhaps what it is the answer to, and "is" or a colon.
_ENGLISH = re.compile(
    rf"\b(?:{_NOUN}){_NOT_ALL}{_TAIL}{_QUOTES}"
    rf"(?:\s{{0,3}}(?:{_MARK})|[^.\n:：=?!]{{0,100}}?{_QUOTES}{_MANNER}\s{{1,3}}{_IS}(?:\s{{0,3}}[:：])?"
    rf"|\s{{1,3}}[-–—]\s|\s{{1,3}}(?=[(\[*]{{0,3}}[A-Z][)\]*]{{1,3}})|\s?[)\]*_]{{0,3}}\s{{0,3}}\((?=[A-Z]\)))",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"(?:\bfinal[ \t]answer\b|^[ \t]{0,3}(?:[#*_>【\[]{1,6}[ \t]{0,3})?(?:the )?(?:final |correct )?"
    r"(?:answer|conclusion|result|答案|最终答案|最終答案|答え|解答|정답|답|respuesta(?: final)?|réponse(?: finale)?|"
    r"antwort|endgültige antwort|ответ|الإجابة(?: النهائية)?))[:：]?[*_`】\]]{0,4}[ \t]{0,3}(?=\r?\n\s{0,20}\S)",
    re.IGNORECASE | re.MULTILINE,
)
_CHOSEN = re.compile(
    r"\b(?:choose|chose|choosing|select|selecting|selected|pick|picking|go with|going with|opt for|went with|settle on)"
    r"(?: (?:the|as))?(?: (?:answer|correct|right|best))?(?: (?:option|choice|answer|letter))?\s?[:：]?"
    r"(?=\s?[(\[*\"']{0,4}[A-Z](?:[)\]*\"'.,:;]|\s{0,2}$|\s(?:because|since|as|which|for)\b))",
    re.MULTILINE,
)
_WOULD_BE = re.compile(
    r"\b(?:would|must|should|will|can only|has to) (?:therefore |then |thus )?be"
    r"(?=:?\s[*\"']{0,3}(?:[(\[][A-Z][)\]]|(?:option|choice) [(\[*]{0,3}[A-Z]\b|[A-Z][*\"']{0,3}[.)]?\s{0,2}$))",
    re.IGNORECASE | re.MULTILINE,
)
_CORRECT = re.compile(
    r"(?:\b(?:option|choice|answer|statement|letter|alternative)\s{1,2}[*\"'(\[]{0,4}([A-Z])[*\"')\]]{0,4}|"
    r"[(\[]([A-Z])[)\]]|(?<![\w'(-])([A-HJ-Z])(?![\w'-]))(?:[*_,:]{0,3}\s?[(\"'][^().\n]{0,60}[)\"'],?|"
    r"[.:,] [^.,:\n]{1,60}?,?)?[*_]{0,3}\s{1,2}(?:is|are|would be|must be|should be|seems|being)"
    r"(?: (?:the|most|therefore|thus|indeed|clearly|probably|likely|our|my))*"
    r"\s{1,2}[*_]{0,3}(?:correct|right|best|true|(?:final |right |only )?answer|accurate|valid|"
    r"appropriate)\b(?! (?:if|only if|when)\b)"
)
# Without a verb: 答案 B, 정답 B.
_CHINESE = re.compile(
    r"(?:最终|最終|正确|正確|标准|參考|参考|最后|最後)?的?(?:答案|结果|結果|选项|選項|结论|結論)[】\]*\"”」)）]{0,4}\s?"
    r"(?:[^。\n:：，,]{0,30}?)(?:应该是|應該是|应该选|应为|應為|应是|應是|应选|應選|就是|即为|即是|便是|是|为|為|[選选](?=\s?[(（]?[A-Z])|[:：=])"
    r"|(?:故|因此|所以|应|應|应该|應該|我|本题|本題|综上)[，,]?\s?(?:答案)?(?:选择|選擇|选|選)(?:项|項)?[:：]?(?=\s?[(（\d*]{0,3}[A-Z\d])|【答案】|"
    r"【解答】|(?:^|\n)\s{0,3}(?:答|解答)[:：]|(?:选择|選擇)(?=\s?[(（]?[A-Z])"
)
_JAPANESE = re.compile(
    r"(?:最終的な|正しい|正|最終)?(?:答え|答|解答|正解|回答|選択肢|結論)[】」』*\"）)]{0,4}\s?(?:[^。\n:：、]{0,30}?)"
    r"(?:は|が|[:：=])[、]?|(?:正しい|正解な|当てはまる|適切な)のは[、]?(?=\s?[(（「]?[A-Z\d])"
)
_KOREAN = re.compile(
    r"(?:최종\s?|올바른\s?|정확한\s?|맞는\s?)?(?:정답|답안|답|해답|선택지|보기|"
    r"결과|(?:맞는|옳은|올바른|알맞은) 것)[*\"')\]】]{0,4}\s?"
    r"(?:[^.\n:：]{0,30}?)(?:[은는이가](?=[\s(（*\"'A-Z\d])|[:：=])"
)
_SPANISH = re.compile(
    r"\b(?:la |el )?(?:respuesta|opción|opcion|solución|alternativa|resultado)\b(?: (?:correcta|correcto|final|"
    r"es la|al problema))*" + _QUOTES + r"(?:\s{0,3}[:：=]|[^.\n:]{0,60}?\s(?:es|sería|seria|será|debe ser)\b(?:\s?:)?)"
    r"|\b(?:elijo|escojo|selecciono|elegir)(?: la)?(?: opción)?(?=\s[(*\"]{0,3}[A-Z]\b)",
    re.IGNORECASE,
)
_FRENCH = re.compile(
    r"\b(?:la |le )?(?:bonne |meilleure )?(?:réponse|reponse|option|solution|résultat|"
    r"proposition)\b(?: (?:correcte?|finale?|exacte|juste|est donc))*"
    + _QUOTES
    + r"(?:\s{0,3}[:：=]|[^.\n:]{0,60}?\s(?:est|serait|sera|doit être)\b(?:\s?:)?)"
    r"|\b(?:je choisis|choisir)(?: (?:la réponse|l['’]option))?(?=\s[(*\"]{0,3}[A-Z]\b)",
    re.IGNORECASE,
)
_GERMAN = re.compile(
    r"\b(?:die |das |der )?(?:richtige |korrekte |endgültige |richtigen? )?(?:antwort(?:möglichkeit)?|lösung|"
    r"ergebnis|option|endergebnis)\b"
    + _QUOTES
    + r"(?:\s{0,3}[:：=]|[^.\n:]{0,60}?\s(?:ist|lautet|wäre|beträgt|muss)\b(?:\s?:)?)"
    r"|\b(?:richtig|korrekt) (?:ist|wäre)(?: (?:die )?(?:antwort|option))?(?=\s[(*\"]{0,3}[A-Z]\b)|"
    r"\b(?:ich wähle)(?: (?:die )?(?:antwort|option))?(?=\s[(*\"]{0,3}[A-Z]\b)",
    re.IGNORECASE,
)
_RUSSIAN = re.compile(
    r"(?:(?:правильн|верн|окончательн|итогов)\w{1,4} )?(?:ответ(?:ом)?|вариант(?:ом)?|решение|"
    r"результат)\b(?: (?:будет|является|на задачу|на вопрос))*"
    + _QUOTES
    + r"(?:\s{0,3}(?:[:：=]|[—–-]\s|это\b|будет\b|является\b))(?:\s?это\b)?"
    r"|\b(?:выбираю|выберем|выбрать)(?: (?:вариант|ответ))?(?=\s[(*\"«]{0,3}[A-ZАВСЕ]\b)",
    re.IGNORECASE,
)
_ARABIC = re.compile(
    r"(?:الإجابة|الاجابة|الجواب|الخيار|الحل|النتيجة)(?: (?:الصحيحة|الصحيح|النهائية|النهائي|هنا|إذن))*"
    + _QUOTES
    + r"\s{0,3}(?:هي|هو|ستكون|تكون|[:：=])(?: الخيار)?(?:\s?[:：])?"
)
_LETTER_RIGHT = re.compile(
    r"(?:opción|option|réponse|antwort|вариант|ответ|الخيار|الإجابة|选项|選項|选择|選択肢|선택지|보기|"
    r"옵션)\s?[(（*\"«]{0,3}([A-Z])[)）*\"»]{0,3}\s?"
    r"(?:es (?:la )?(?:respuesta )?correct[ao]|est (?:la )?(?:bonne |réponse )?(?:correcte?|juste|exacte|réponse)|"
    r"ist (?:die )?(?:richtige? ?(?:antwort)?|korrekt)|(?:является )?(?:верн|правильн)\w{1,4}|(?:هو|"
    r"هي) (?:ال)?صحيحة?|صحيحة?|(?:是)?(?:正确|正確)|が正解|が正しい|は正しい|이 정답|가 정답|이 맞|가 맞|번이 정답)",
    re.IGNORECASE,
)
_AFTER_LETTER = re.compile(
    r"([A-Z])\s?번?(?:が正解|が正しい|が答え|이 맞|가 맞|이 옳|가 옳|이 정답|가 정답|이 답|가 답|를 선택|을 선택|を選)"
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Cues of one kind.

    Attributes:
        pattern: What they look like; a group holds the letter that a cue has in itself.
        signs: In lower case; a text with such a cue has one of them, and that is sooner told.
        comma: Whether the language writes decimals with a comma.
        heading: They are headings.
    """

    pattern: re.Pattern[str]
    signs: tuple[str, ...]
    comma: bool = False
    heading: bool = False


_LATIN = (
    _Kind(_HEADING, ("answer", "conclusion", "result", "respuesta", "réponse", "antwort", "答", "답", "ответ", "ال"),
          heading=True),
    _Kind(_ENGLISH, ("ans", "correct", "right", "final", "best", "closest", "chosen", "selected", "suitable",
                     "appropriate", "valid", "likely", "numerical", "exact", "required")),
    _Kind(_CHOSEN, ("choos", "chose", "select", "pick", "go with", "going with", "opt for", "went with", "settle on")),
    _Kind(_WOULD_BE, (" be ", " be:")),
    _Kind(_SPANISH, ("respuesta", "opci", "soluci", "alternativa", "resultado", "elijo", "escojo", "selecciono",
                     "elegir"), comma=True),
    _Kind(_FRENCH, ("réponse", "reponse", "option", "solution", "résultat", "proposition", "choisi"), comma=True),
    _Kind(_GERMAN, ("antwort", "lösung", "ergebnis", "option", "richtig", "korrekt", "wähle"), comma=True),
    _Kind(_CORRECT, ("correct", "right", "best", "true", "answer", "accurate", "valid", "appropriate")),
    _Kind(_LETTER_RIGHT, ("opci", "option", "réponse", "antwort", "вариант", "ответ", "الخيار", "الإجابة", "选", "選",
                          "선택지", "보기", "옵션")),
)  # fmt: skip
_OTHERS = (
    _Kind(_CHINESE, ("答", "选", "選", "果", "结论", "結論")),
    _Kind(_JAPANESE, ("答", "のは", "正解", "選択肢", "結論")),
    _Kind(_KOREAN, ("답", "것", "선택지", "보기", "결과")),
    _Kind(_RUSSIAN, ("ответ", "вариант", "решение", "результат", "выб"), comma=True),
    _Kind(_ARABIC, ("ال",)),
    _Kind(_AFTER_LETTER, ("正解", "正しい", "答え", "정답", "맞", "옳", "답", "선택", "選")),
)


_DENIES = re.compile(
    r"(?:\bnot|\bcannot|n['’]t|\bnever)(?: (?:be|have to be))?[\s:：]{0,3}$|(?:不|不应该|并不)(?:是|为)$|"
    r"\bno (?:es|será)$|\bn['’]est$|\bне (?:это|будет|является)$",
    re.IGNORECASE,
)
"""How a cue ends behind which stands what is not the answer."""


_DENIED_BEFORE = re.compile(r"(?:\b(?:nor|neither|not)|[A-Z][)\]*]{0,3},?\s(?:and|or))\s[(\[*]{0,3}$")
"""What stands before a letter that is not the only one, or none."""


def cues(text: str) -> Iterator[Cue]:
    """All cues of a text, kind by kind, then by place."""
    lowered = text.lower()
    for kind in _LATIN if text.isascii() else (*_LATIN, *_OTHERS):
        if not any(sign in lowered for sign in kind.signs):
            continue
        for match in kind.pattern.finditer(text):
            if _DENIES.search(match[0][-24:]):
                continue
            letter = next((group for group in match.groups() if group), "").upper()
            if letter and _DENIED_BEFORE.search(text[max(0, match.start() - 24) : match.start()]):
                continue
            yield Cue(*match.span(), letter, kind.comma, kind.heading)
