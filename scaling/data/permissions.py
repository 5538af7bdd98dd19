"""Which concepts may be mirrored or have their hues turned without making the caption a lie."""

from scaling.data.captions import words

# Category by category. Flags and signs are drawn one way round, in colours that are their meaning;
# people and faces keep the skin (or the yellow) they share.
UNFLIPPABLE_CATEGORIES = frozenset({"Flags", "Symbols", "Component"})
UNTURNABLE_CATEGORIES = UNFLIPPABLE_CATEGORIES | {"People & Body", "Smileys & Emotion"}

# Word by word, in the other categories.
UNFLIPPABLE_WORDS = frozenset(
    words(
        # directions, and rises and falls
        "left right leftwards rightwards arrow arrows clockwise anticlockwise chart trend "
        # people who have a sibling that faces the other way
        "running runner walking pedestrian kneeling wheelchair cane facing "
        # dials and phases of the moon
        "clock watch stopwatch timer compass quarter waxing waning crescent "
        # maps
        "map globe japan "
        # letters, numbers, notes and signs written on the thing
        "calendar keyboard newspaper dvd minidisc identification credit card banknote receipt "
        "points musical score notes note label place billiards mahjong abacus taxi octagonal bank "
        "hotel store stop police ambulance exclamation"
    )
)
COLOURS = frozenset(
    words(
        "red orange yellow green blue purple brown black white grey pink "
        "rainbow blond blood traffic"
    )
)


def may_flip(category: str, name: str) -> bool:
    """Whether the mirror image deserves the same caption."""
    return category not in UNFLIPPABLE_CATEGORIES and UNFLIPPABLE_WORDS.isdisjoint(words(name))


def may_turn(category: str, name: str) -> bool:
    """Whether a slight turn of hue leaves the caption true."""
    return category not in UNTURNABLE_CATEGORIES and COLOURS.isdisjoint(words(name))
