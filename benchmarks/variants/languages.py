"""The text beside the lists of another language, as registers of two languages print them.

The other lists are invented sentences; they stand for a translation. A reading of the page is that
of the English text.
"""

from collections.abc import Sequence
from functools import partial

from benchmarks.variants.layout import Line, join_lines, split_lists
from benchmarks.variants.way import Way, on_lines

_LISTS: dict[str, dict[str, tuple[str, list[str]]]] = {
    "Chinese": {
        "inclusion": (
            "纳入标准:",
            [
                "年龄在18至65岁之间的成年人;",
                "确诊为该疾病至少六个月;",
                "肝肾功能正常;",
                "自愿签署知情同意书。",
            ],
        ),
        "exclusion": (
            "排除标准:",
            [
                "妊娠或哺乳期妇女;",
                "对研究药物过敏者;",
                "近4周内参加过其他临床试验;",
                "研究者认为不适合参加者。",
            ],
        ),
    },
    "German": {
        "inclusion": (
            "Einschlusskriterien:",
            [
                "Erwachsene im Alter von 18 bis 65 Jahren",
                "Gesicherte Diagnose seit mindestens sechs Monaten",
                "Ausreichende Funktion von Leber und Nieren",
                "Schriftliche Einwilligung nach Aufklärung",
            ],
        ),
        "exclusion": (
            "Ausschlusskriterien:",
            [
                "Schwangerschaft oder Stillzeit",
                "Überempfindlichkeit gegen das Prüfpräparat",
                "Teilnahme an einer anderen Studie innerhalb von 4 Wochen",
                "Schwere Begleiterkrankungen nach Urteil des Prüfarztes",
            ],
        ),
    },
    "Spanish": {
        "inclusion": (
            "Criterios de inclusión:",
            [
                "Adultos de 18 a 65 años de edad",
                "Diagnóstico confirmado desde hace al menos seis meses",
                "Función hepática y renal adecuada",
                "Consentimiento informado por escrito",
            ],
        ),
        "exclusion": (
            "Criterios de exclusión:",
            [
                "Embarazo o lactancia",
                "Alergia conocida al medicamento del estudio",
                "Participación en otro ensayo en las últimas 4 semanas",
                "Enfermedades graves a juicio del investigador",
            ],
        ),
    },
    "French": {
        "inclusion": (
            "Critères d'inclusion :",
            [
                "Adultes âgés de 18 à 65 ans",
                "Diagnostic confirmé depuis au moins six mois",
                "Fonctions hépatique et rénale suffisantes",
                "Consentement éclairé signé",
            ],
        ),
        "exclusion": (
            "Critères de non-inclusion :",
            [
                "Grossesse ou allaitement",
                "Allergie connue au médicament étudié",
                "Participation à un autre essai dans les 4 semaines",
                "Maladie grave selon l'avis du médecin",
            ],
        ),
    },
    "Japanese": {
        "inclusion": (
            "選択基準:",
            [
                "18歳以上65歳以下の方",
                "診断が確定している方",
                "文書による同意が得られた方",
            ],
        ),
        "exclusion": (
            "除外基準:",
            [
                "妊娠中の方",
                "試験薬に対してアレルギーのある方",
                "医師が不適当と判断した方",
            ],
        ),
    },
    "Russian": {
        "inclusion": (
            "Критерии включения:",
            [
                "Возраст от 18 до 65 лет",
                "Подтверждённый диагноз не менее шести месяцев",
                "Письменное согласие",
            ],
        ),
        "exclusion": (
            "Критерии исключения:",
            [
                "Беременность или кормление грудью",
                "Аллергия на изучаемый препарат",
                "Участие в другом исследовании",
            ],
        ),
    },
}


def _write_list(language: str, kind: str) -> str:
    heading, items = _LISTS[language][kind]
    return "\n".join(
        [heading, *(f"{number}. {item}" for number, item in enumerate(items, 1))]
    )


def _write_lists(language: str) -> str:
    return (
        f"{_write_list(language, 'inclusion')}\n\n{_write_list(language, 'exclusion')}"
    )


def _add_below(lines: Sequence[Line], language: str) -> str:
    return f"{join_lines(lines).rstrip()}\n\n{_write_lists(language)}"


def _add_above(lines: Sequence[Line], language: str) -> str:
    return f"{_write_lists(language)}\n\n{join_lines(lines).lstrip()}"


def _add_to_lists(lines: Sequence[Line], language: str) -> str:
    """Return the text with the other list below each list."""
    written = []
    for heading, below in split_lists(lines):
        written.append(join_lines([*([heading] if heading else []), *below]))
        if heading:
            written.append(_write_list(language, heading.kind))
    return "\n\n".join(written)


_PLACES = {"below": _add_below, "above": _add_above, "below each list": _add_to_lists}
WAYS = tuple(
    Way(
        "two languages", f"{language} {name}", on_lines(partial(add, language=language))
    )
    for name, add in _PLACES.items()
    for language in _LISTS
)
