"""Materials and colours in English and Chinese, one name for both languages, and what looks like a model code and is none."""

from __future__ import annotations

import re

# name: English words | Chinese words. The longest entry that fits counts.
_MATERIALS_TEXT = """
cotton: cotton, organic cotton, pure cotton, denim cotton | 棉, 纯棉, 全棉, 精梳棉, 棉质, 粗棉, 棉布
leather: leather, genuine leather, real leather, cowhide, calfskin, nappa | 真皮, 牛皮, 头层牛皮, 羊皮, 小羊皮, 皮革, 皮质
faux leather: faux leather, pu leather, vegan leather, leatherette, artificial leather, synthetic leather | 人造革, 仿皮, 皮革面,
    pu皮, 超纤皮
suede: suede, nubuck | 麂皮, 反绒皮, 绒面革
wool: wool, merino, merino wool, woollen, woolen, lambswool | 羊毛, 纯羊毛, 美利奴羊毛, 毛呢, 羊绒毛
cashmere: cashmere | 羊绒, 山羊绒
silk: silk, mulberry silk | 真丝, 桑蚕丝, 蚕丝, 丝绸
linen: linen, flax | 亚麻, 麻布, 棉麻, 苎麻
polyester: polyester | 涤纶, 聚酯纤维, 聚酯
nylon: nylon, polyamide | 尼龙, 锦纶
acrylic: acrylic, plexiglass | 亚克力, 腈纶, 有机玻璃
viscose: viscose, rayon, modal, lyocell, tencel | 粘胶, 人造丝, 莫代尔, 天丝, 人棉
elastane: elastane, spandex, lycra | 氨纶, 弹力纤维, 莱卡
denim: denim | 牛仔布, 丹宁
fleece: fleece, polar fleece | 抓绒, 摇粒绒
flannel: flannel | 法兰绒
velvet: velvet, velour | 天鹅绒, 丝绒
canvas: canvas | 帆布
down: goose down, duck down, down filled | 羽绒, 鹅绒, 鸭绒
feather: feather, feathers | 羽毛
fur: fur, faux fur | 皮草, 人造毛
felt: felt | 毛毡
mesh: mesh | 网布, 网面
rubber: rubber, natural rubber | 橡胶, 天然橡胶, 生胶
silicone: silicone | 硅胶
latex: latex | 乳胶
plastic: plastic, polypropylene, polycarbonate, abs, pvc, vinyl, polyethylene, pet plastic | 塑料, 聚丙烯, 聚碳酸酯, 聚乙烯, 树脂
steel: steel, carbon steel, galvanized steel | 钢, 碳钢, 钢制, 铁艺
stainless steel: stainless steel, stainless | 不锈钢
iron: iron, cast iron, wrought iron | 铁, 铸铁, 铁质
aluminium: aluminium, aluminum, alloy | 铝, 铝合金, 铝制
titanium: titanium | 钛, 钛合金, 纯钛
copper: copper | 铜, 紫铜, 纯铜
brass: brass | 黄铜
silver: sterling silver, 925 silver | 纯银, 925银, 银饰, s925
gold: 14k gold, 18k gold, 24k gold, solid gold, gold plated | 足金, 18k金, 黄金, 镀金
wood: wood, wooden, solid wood, oak, pine, walnut wood, teak, beech, birch, plywood, mahogany | 木, 实木, 木质, 木制, 橡木, 松木,
    榉木, 胡桃木, 原木
bamboo: bamboo | 竹, 竹制, 竹纤维, 竹炭
rattan: rattan, wicker | 藤, 藤编
paper: paper, cardboard | 纸, 纸质, 牛皮纸
glass: glass, tempered glass, borosilicate glass, crystal glass | 玻璃, 钢化玻璃, 高硼硅玻璃, 水晶玻璃
ceramic: ceramic, ceramics, porcelain, stoneware, earthenware, bone china | 陶瓷, 瓷, 骨瓷, 陶
marble: marble, granite | 大理石, 花岗岩
stone: natural stone, slate | 石材, 岩板
carbon fibre: carbon fibre, carbon fiber | 碳纤维
foam: memory foam, foam | 海绵, 记忆棉, 泡棉
wax: beeswax, soy wax | 蜂蜡, 大豆蜡
"""
_COLOURS_TEXT = """
black: black, matte black, jet black, charcoal black | 黑, 黑色, 磨砂黑, 亮黑色, 幻夜黑, 曜石黑, 碳纤黑, 炭黑
white: white, off white, ivory, snow white | 白, 白色, 米白, 米白色, 象牙白, 陶瓷白, 乳白, 珍珠白, 本白
grey: grey, gray, charcoal, space grey, space gray, graphite, slate grey, grey melange, anthracite | 灰, 灰色, 深灰, 深灰色, 浅灰,
    浅灰色, 深空灰, 深空灰色, 炭灰, 炭灰色, 银灰
silver: silver | 银, 银色, 银白色, 银白
red: red, crimson, scarlet, burgundy, maroon, wine red | 红, 红色, 大红, 酒红, 酒红色, 正红, 玫红, 玫红色, 玫瑰红, 枣红, 中国红, 珊瑚红
pink: pink, rose, fuchsia, hot pink, magenta, peach | 粉, 粉色, 粉红, 粉红色, 桃红, 藕粉, 裸粉, 樱花粉
orange: orange, coral, rust | 橙, 橙色, 橘色, 桔色, 珊瑚橙, 橘红, 橙红
yellow: yellow, mustard, lemon yellow | 黄, 黄色, 姜黄, 柠檬黄, 鹅黄
gold: gold, golden, rose gold, champagne | 金, 金色, 玫瑰金, 玫瑰金色, 香槟金, 香槟色, 暮光金, 土豪金
green: green, olive, khaki green, mint, teal, lime green, sea green, dark green | 绿, 绿色, 墨绿, 墨绿色, 军绿, 军绿色, 薄荷绿,
    暗夜绿色, 果绿, 橄榄绿
turquoise: turquoise, turquoise blue, aqua, cyan | 青, 青色, 蓝绿色, 湖蓝, 青绿
blue: blue, navy, navy blue, royal blue, sky blue, light blue, dark blue, indigo | 蓝, 蓝色, 深蓝, 深蓝色, 浅蓝, 浅蓝色, 天蓝,
    天蓝色, 藏青, 藏青色, 藏蓝, 宝蓝, 宝石蓝, 蓝黑色, 海军蓝, 极光蓝, 梦幻蓝, 晨曦蓝
purple: purple, violet, lavender, mauve, lilac, plum | 紫, 紫色, 浅紫, 深紫, 罗兰紫, 仲夏紫, 薰衣草紫
brown: brown, tan, coffee, chocolate, camel, bronze, coffee brown, mushroom brown, copper | 棕, 棕色, 褐色, 咖啡色, 咖色, 驼色,
    棕褐色, 古铜色
beige: beige, cream, khaki, nude, taupe, skin | 米色, 杏色, 卡其, 卡其色, 裸色, 奶油色, 米黄, 生成色, 原色
multicolour: multi, multicolour, multicolor, multicoloured, multicolored, rainbow | 彩色, 多色, 花色, 撞色, 彩虹色
transparent: transparent, clear | 透明, 透明色
"""


def _names(text: str) -> dict[str, dict[str, str]]:
    """language → entry → name."""
    found: dict[str, dict[str, str]] = {"en": {}, "zh": {}}
    for line in re.sub(r"\n +", " ", text.strip()).splitlines():
        name, _, rest = line.partition(":")
        for language, entries in zip(("en", "zh"), rest.split("|"), strict=True):
            found[language] |= {entry.strip(): name for entry in entries.split(",")}
    return found


MATERIALS = _names(_MATERIALS_TEXT)
COLOURS = _names(_COLOURS_TEXT)

#: Standards, interfaces, formats and sizes of paper: letters with digits that name no product.
STANDARDS = re.compile(
    r"(?:rs-?\d{3}|[hd][bd]-?\d+|rj-?\d+|mp[34]|mpeg-?\d|usb-?\d.*|ddr\d?.*|sdram|sata-?\d*|cat-?\d[ea]?|ieee.*|802[.].*|\d+p|\d+k|[ab]\d|ip[x\d]\d+|h[.]?26\d"
    r"|\d+base.*|lto-?\d+|pci.*|pc\d+-\d+.*|80plus|\d+awg|\d+x\d*|\d+u|win\d+|x\d\d|type-?c|hdmi\d.*|bluetooth\d.*|bt\d.*|wi-?fi-?\d|\d+-?bit|\d+-?core"
    r"|\d+-?port|i[3579]|core\d|o2|co2|3d|2d|5ghz|\d+\.\d+|\d+(?:st|nd|rd|th)|f\d+t|\d+-?in-?\d|\d+g|cr\d{4}|lr\d+|aaa?\d*|hb\d|m\.2|sd\w*|\d+[x*]\d+.*"
    r"|t\d|uk\d+|us\d+|eu\d+|\d+-?pack|\d+pcs?|\d+pk|\d+-?(?:way|pin|inch|ft|mm|cm|piece|pair|ply|hour|year|day|month)s?)",
    re.IGNORECASE,
)
