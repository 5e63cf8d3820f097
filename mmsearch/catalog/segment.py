"""Words of a text, stop words and parts of speech, for Chinese (jieba with product words) and English (rules)."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from mmsearch import settings
from mmsearch.errors import MMSearchError

#: Parts of speech: noun, verb, adjective (with adverb of manner), number (with quantity), name, foreign (a word of another script), other.
Tag = Literal["noun", "verb", "adjective", "number", "name", "foreign", "other"]

_HAN = re.compile("[\u3400-\u9fff]")
_ENGLISH_WORD = re.compile(r"[^\W_]+(?:[.,'’+-][^\W_]+)*\+?")
_BLANK = re.compile(r"[\W_]+")

# What a shop writes and jieba's dictionary lacks or splits.
_PRODUCT_WORDS_TEXT = """
包邮 顺丰包邮 跑步鞋 跑鞋 运动鞋 帆布鞋 板鞋 篮球鞋 登山鞋 越野跑鞋 人字拖 连衣裙 半身裙 打底裤 牛仔裤 冲锋衣 羽绒服 卫衣 防晒衣
速干衣 双肩包 单肩包 斜挎包 手机壳 充电宝 充电器 数据线 蓝牙耳机 无线耳机 智能手表 平板电脑 笔记本电脑 机械键盘 显示器 路由器 移动硬盘
电饭煲 空气炸锅 扫地机器人 吸尘器 净水器 保温杯 化妆水 洁面乳 洗面奶 爽肤水 精华液 面膜 防晒霜 口红 唇膏 粉底液 眼影 护手霜 沐浴露
洗发水 护发素 润肤乳 润肤乳液 正品 现货 新款 爆款 性价比 旗舰店 七天无理由 男士 女士 女式 男式 儿童 大码 加绒 加厚 透气 防水 防滑 速干
百搭 修身 显瘦 纯棉 真皮 不锈钢 全网通 快充 超清 长续航 小羊皮 哑光 保湿
"""
_PRODUCT_WORDS = _PRODUCT_WORDS_TEXT.split()

_ENGLISH_STOP_TEXT = """
a about above after again against all am an and any are as at be because been before being below between both but by can could did do
does doing down during each few for from further had has have having he her here hers him his how i if in into is it its itself just
me more most my no nor not now of off on once only or other our out over own same she should so some such than that the their them
then there these they this those through to too under until up very was we were what when where which while who whom why will with
would you your
"""
_ENGLISH_STOP = frozenset(_ENGLISH_STOP_TEXT.split())
_CHINESE_STOP_TEXT = """
的 了 和 是 就 都 而 及 与 着 或 一个 没有 我们 你们 他们 她们 它们 是否 也 在 有 我 你 他 她 它 这 那 这个 那个 这些 那些 之 其 被 把
给 让 向 从 到 对 对于 关于 但 但是 因为 所以 如果 虽然 还 还是 又 很 太 更 最 吗 呢 吧 啊 呀 哦 嗯 哈 个 为 以 于 等 等等 并 并且 将
会 能 可以 要 上 下 里 中 不 没 来 去 说 做 得 地 啦 么 什么 怎么 比较 非常 已经 一些 一样 款 件 个 只
"""
_CHINESE_STOP = frozenset(_CHINESE_STOP_TEXT.split())

_NUMBER = re.compile(r"[0-9].*")
_ADJECTIVES_TEXT = """
red blue green yellow black white grey gray silver gold golden pink purple orange brown beige big small large medium long short wide
slim thin thick heavy light soft hard new old good bad great nice best better cheap fast slow high low easy strong weak warm cold hot
cool dry wet clean dirty fresh smart wireless electric portable digital original natural organic modern classic casual formal young
full empty deep bright dark sweet quiet loud cute happy sad excellent poor perfect terrible awful cozy comfy sturdy flimsy
"""
_ADJECTIVES = frozenset(_ADJECTIVES_TEXT.split())
_VERBS_TEXT = """
is are was were be been am has have had do does did go goes went gone get gets got make makes made take takes took buy buys bought
sell sells sold use uses used wear wears wore work works worked fit fits like likes liked love loves loved hate hates hated need needs
want wants come comes came break breaks broke fall falls fell feel feels felt look looks say says said see sees saw give gives gave
keep keeps kept let try tries tried run runs ran return returned recommend arrive arrived stop stopped
"""
_VERBS = frozenset(_VERBS_TEXT.split())
_ADJECTIVE_ENDS = ("able", "ible", "ful", "less", "ous", "ive", "ish", "proof", "resistant", "ic", "al", "y-free", "-free", "est")
_VERB_ENDS = ("ize", "ise", "ify")
_JIEBA_TAGS: dict[str, Tag] = {"n": "noun", "v": "verb", "a": "adjective", "d": "other", "b": "adjective", "z": "adjective", "m": "number"}


class Tagged(NamedTuple):
    """A word and its part of speech."""

    word: str
    tag: Tag


def words(text: str, language: str | None = None) -> list[str]:
    """The words of a text in order, without punctuation: Chinese by dictionary, others between spaces and marks.

    Parameters
    ----------
    language : 'zh' and texts with Chinese characters (when None) go through jieba; every other code splits at spaces and marks.

    >>> words("Men's running-shoes, 12.9 inch", "en")
    ["Men's", 'running-shoes', '12.9', 'inch']
    """
    if language == "zh" or (language is None and _HAN.search(text)):
        return [word for word in _jieba().lcut(text) if not _BLANK.fullmatch(word)]
    return _ENGLISH_WORD.findall(text)


def stop_words(language: str) -> frozenset[str]:
    """Words that say nothing of a product, in lower case: 'en' and 'zh'; none are known of other languages.

    >>> "the" in stop_words("en"), "的" in stop_words("zh"), len(stop_words("fr"))
    (True, True, 0)
    """
    return {"en": _ENGLISH_STOP, "zh": _CHINESE_STOP}.get(language, frozenset())


def tagged(text: str, language: str | None = None) -> list[Tagged]:
    """The words of a text with their parts of speech.

    Chinese by jieba's tagger (a hidden Markov model). English by rules, in this order: digits first → number; a list of common
    adjectives and colours, or -able, -ful, -less, -ous, -ive, -proof … → adjective; -ly, stop words → other; a list of common verbs,
    or -ize, -ify → verb; a capital inside a sentence → name; else noun. That is right for most words of titles, which are nouns,
    adjectives and names; for running prose it is a rough guide.

    >>> [tuple(pair) for pair in tagged("waterproof shoes for 2 men", "en")]
    [('waterproof', 'adjective'), ('shoes', 'noun'), ('for', 'other'), ('2', 'number'), ('men', 'noun')]
    """
    if language == "zh" or (language is None and _HAN.search(text)):
        pairs = _tagger().lcut(text)
        return [Tagged(pair.word, _chinese_tag(pair.word, pair.flag)) for pair in pairs if not _BLANK.fullmatch(pair.word)]
    found = []
    for at in _ENGLISH_WORD.finditer(text):
        first = not text[: at.start()].rstrip() or text[: at.start()].rstrip()[-1] in ".!?"
        found.append(Tagged(at.group(), _english_tag(at.group(), first)))
    return found


def dictionary_tags(chinese: Sequence[str]) -> list[Tag]:
    """The part of speech that jieba's dictionary gives each Chinese word, whatever stands beside it; 'other' for what it does not know.

    A hundredth of the time of `tagged`, which weighs the whole sentence.

    >>> dictionary_tags(["电池", "漂亮", "的"])
    ['noun', 'adjective', 'other']
    """
    known = _tagger().word_tag_tab
    own = frozenset(_PRODUCT_WORDS)
    return ["noun" if word in own else _chinese_tag(word, known.get(word, "x")) for word in chinese]


def _english_tag(word: str, first: bool) -> Tag:
    lower = word.lower()
    if _NUMBER.fullmatch(word):
        return "number"
    if lower in _VERBS:
        return "verb"
    if lower in _ENGLISH_STOP or (lower.endswith("ly") and len(lower) > 4):
        return "other"
    if lower in _ADJECTIVES or (len(lower) > 5 and lower.endswith(_ADJECTIVE_ENDS)):
        return "adjective"
    if len(lower) > 5 and lower.endswith(_VERB_ENDS):
        return "verb"
    return "name" if not first and word[0].isupper() else "noun"


def _chinese_tag(word: str, flag: str) -> Tag:
    if word in _CHINESE_STOP:
        return "other"
    if flag == "eng" or (word.isascii() and not word[0].isdigit()):
        return "foreign"
    if word[0].isascii() and word[0].isdigit():
        return "number"
    if flag in ("nr", "ns", "nt", "nz", "nrt", "nrfg"):
        return "name"
    if flag in ("vn", "an"):  # a verb or an adjective used as a noun
        return "noun"
    return _JIEBA_TAGS.get(flag[:1], "other")


@functools.cache
def _jieba() -> Any:
    """A tokenizer of our own, so that another user of jieba in this process keeps theirs.

    Its parsed dictionary is kept under `MMSEARCH_HOME` (9 MB). jieba itself would put it
    into the folder for temporary files, where anybody may leave a file of that name, and it would be loaded.

    Raises MMSearchError where that folder cannot be written.
    """
    import jieba  # type: ignore[import-untyped]

    jieba.setLogLevel(logging.CRITICAL)  # it reports to stderr that it loads its dictionary
    tokenizer = jieba.Tokenizer()
    folder = settings.home() / "jieba"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MMSearchError(
            f"cannot keep jieba's dictionary in {folder}: {error.strerror}", hint="MMSEARCH_HOME names the folder for such files"
        ) from error
    tokenizer.tmp_dir, tokenizer.cache_file = str(folder), f"dictionary-{jieba.__version__}.cache"
    tokenizer.initialize()
    for word in _PRODUCT_WORDS:
        tokenizer.add_word(word, tag="n")
    return tokenizer


@functools.cache
def _tagger() -> Any:
    from jieba import posseg

    return posseg.POSTokenizer(_jieba())
