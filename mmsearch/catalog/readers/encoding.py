"""Bytes → text: UTF-8, UTF-16 and UTF-32 with a byte order mark, Chinese (GB18030) when it looks like Chinese; else `--encoding` must say.

Bytes that cannot be decoded never stop a file: each stands in the text as a mark, half a surrogate pair (U+DC00 + byte) that no
decoder gives, so that the structure around it stays and the row that holds it can be rejected with its line.
"""

from __future__ import annotations

import codecs
import re

from mmsearch.errors import InputError, UsageError, did_you_mean

MARK = re.compile("[\udc00-\udcff]")
_COMMON = ("utf-8", "gb18030", "gbk", "big5", "shift_jis", "euc_kr", "cp1252", "latin-1", "utf-16", "utf-16-le", "mac_roman")
_NO_FILES = ("undefined", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf_7")  # codecs, but not what files are written in
_BOMS = (  # UTF-32 before UTF-16, whose mark it begins with
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TOLERATED = 20  # one line in so many may be undecodable and is then rejected alone; more, and the encoding must be wrong
# What common Chinese texts, shops above all, are made of. Korean, Japanese and Western bytes read as Chinese give rare characters.
_FREQUENT = frozenset(
    "的一是了不在有人我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经"
    "么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全"
    "三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任"
    "常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必"
    "场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告"
    "类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔商货号编称标简介描述价售单牌图片库存款男装鞋跑步休闲"
    "尚韩版春夏秋冬季薄厚短袖裤裙衬衫套包邮红黑蓝绿灰粉紫黄棕杯瓶器脑板键鼠耳显示屏充线壳膜居厨房卫浴床枕毛巾洗护肤妆乳液霜香食零"
    "茶叶咖啡酒奶米油盐糖干鲜肉蛋蔬菜童玩具籍办汽车户旅宠猫狗药医健康材礼盒双台升毫斤厘寸码均锈钢陶瓷玻璃塑料棉麻丝绸皮革木质银铜"
    "铁纯旗舰店专卖官网证评差退换快递客服满喜欢推荐值购买宜贵漂亮舒适柔软较挺送收速味颜尺效容搜索词字京淘宝苏宁华苹早餐置环境施"
)


class Decoder:
    """Decodes block after block; `encoding` is what it takes the bytes for, as far as it has seen them."""

    def __init__(self, name: str, start: bytes, given: str | None):
        """`start`: the first bytes; `given`: `--encoding`.

        Raises UsageError: no such encoding. InputError: text in UTF-16 without a byte order mark.
        """
        self.name = name
        self.encoding = "utf-8"
        self.dirty = False  # whether the last block held bytes that could not be decoded
        self._decided = True
        self._seen = False  # whether something undecidable has been let through
        bom = next((codec for mark, codec in _BOMS if start.startswith(mark)), None)
        if given is not None:
            codec = _known(given)
            codec, self.encoding = ("utf-8-sig" if codec == "utf-8" else codec), codec
        elif bom:
            codec, self.encoding = bom, bom.removesuffix("-sig")
        else:
            _refuse_bare_utf16(name, start)
            codec, self._decided = "utf-8", False
        self._decoder = codecs.getincrementaldecoder(codec)()

    def decode(self, block: bytes, line: int, final: bool) -> str:
        """The text of the next block, which begins on `line`. Raises InputError where the encoding cannot be told."""
        if not self._decided and not block.isascii():
            block = self._decide(block, line)
        state = self._decoder.getstate()
        try:
            self.dirty = False
            return self._decoder.decode(block, final)
        except UnicodeDecodeError:
            self._decoder.setstate(state)
            self._decoder.errors = "mmsearch-mark"
            try:
                self.dirty = True
                return self._decoder.decode(block, final)
            except UnicodeError as error:  # a codec that takes no marks
                raise InputError(f"{self.name}: near line {line}: not {self.encoding} ({error})", hint=_HINT) from error
            finally:
                self._decoder.errors = "strict"
        except UnicodeError as error:  # UTF-16 asked for by name, and no mark tells its byte order
            raise InputError(
                f"{self.name}: not {self.encoding} ({error})", hint="say the byte order: --encoding utf-16-le or utf-16-be"
            ) from error

    def _decide(self, block: bytes, line: int) -> bytes:
        """UTF-8, or Chinese that looks like it; a few bad lines cost only themselves. What is to be decoded now.

        Raises InputError where it is neither.
        """
        lines = block.splitlines()
        cut = len(lines) - 1 if block[-1:] not in (b"\n", b"\r") else -1  # this line may end inside a character
        beyond = [number for number, text in enumerate(lines) if not text.isascii()]
        bad = [number for number in beyond if not _decodes(lines[number], "utf-8", number != cut)]
        if len(bad) * 10 <= len(beyond):
            self._decided = True
            return block
        chinese = [number for number in beyond if _decodes(lines[number], "gb18030", number != cut)]
        if len(chinese) * 10 >= len(beyond) * 9 and _is_chinese(b"\n".join(lines[number] for number in chinese)):
            self._decided, self.encoding = True, "gb18030"
            pending = self._decoder.getstate()[0]
            self._decoder = codecs.getincrementaldecoder("gb18030")()
            return pending + block
        # Where almost all is ASCII, the few other lines are rejected, and later ones may still tell more.
        if self._seen or (len(bad) <= max(1, len(lines) // _TOLERATED) and len(lines) > 2):
            self._seen = True
            return block
        raise not_decodable(self.name, line + bad[0], _first_bad(lines[bad[0]]), "UTF-8")


def not_decodable(name: str, line: int, byte: int, encoding: str) -> InputError:
    """The error for bytes that are no text in the encoding that was expected."""
    return InputError(f"{name}: not {encoding} on line {line} (byte 0x{byte:02x})", hint=_HINT)


_HINT = (
    "name its encoding: --encoding NAME, for example gb18030 (Chinese), big5, shift_jis, euc_kr, cp1252 (Western Europe); "
    "a spreadsheet can save as 'CSV UTF-8'"
)


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("mmsearch-mark", _mark)


def _known(given: str) -> str:
    """The name of a text encoding as Python spells it. Raises UsageError."""
    try:
        info = codecs.lookup(given)
        # `_is_text_encoding` tells 'hex' and 'zlib' from encodings; io.open asks it too.
        usable = getattr(info, "_is_text_encoding", True) and info.name.replace("-", "_") not in _NO_FILES
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        usable = False
    if not usable:
        raise UsageError(f"there is no encoding '{given}'{did_you_mean(given, _COMMON)}", hint="for example: " + ", ".join(_COMMON))
    return info.name


def _refuse_bare_utf16(name: str, start: bytes) -> None:
    sample = start[:4096]
    for codec, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[0::2])):
        if len(sample) >= 8 and zeros.count(0) * 2 > len(zeros):
            raise InputError(f"{name} looks like UTF-16 without a byte order mark", hint=f"say so: --encoding {codec}")


def _decodes(text: bytes, codec: str, whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder(codec)().decode(text, whole)
    except UnicodeDecodeError:
        return False
    return True


def _first_bad(text: bytes) -> int:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return text[error.start]
    return text[0]


def _is_chinese(text: bytes) -> bool:
    """Whether bytes that GB18030 can decode are Chinese: characters of the old standard GB2312, enough of them frequent ones.

    Western letters with accents stand alone between ASCII letters and would pair up with those, outside GB2312; Japanese brings
    kana; Korean, whose bytes lie in the same range, gives characters that hardly any Chinese text uses.
    """
    letters = [c for c in text.decode("gb18030", "ignore") if not c.isascii()]
    han = [c for c in letters if "一" <= c <= "鿿"]
    if len(han) < 4 or sum("ぁ" <= c <= "ヿ" for c in letters) * 20 > len(letters):
        return False
    old = sum(_in_gb2312(c) for c in letters)
    return old * 20 >= len(letters) * 17 and sum(c in _FREQUENT for c in han) * 3 >= len(han)


def _in_gb2312(letter: str) -> bool:
    try:
        letter.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True
