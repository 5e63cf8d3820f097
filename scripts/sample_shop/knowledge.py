"""Triples (head, relation, tail): what the words of this shop mean and what goes with what."""

from __future__ import annotations

from sample_shop.goods import CATEGORY_OF, PRODUCTS
from sample_shop.visits import GOES_WITH
from sample_shop.words.searches import COLOUR_ZH

#: Kind of thing → other words for it, English and Chinese.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "running shoe": ("trainers", "jogging shoe", "跑鞋", "跑步鞋", "慢跑鞋"),
    "sneaker": ("tennis shoe", "板鞋"),
    "hiking boot": ("walking boot", "登山鞋", "徒步鞋"),
    "chelsea boot": ("切尔西靴",),
    "rain boot": ("wellies", "wellington boot", "雨靴", "雨鞋"),
    "loafer": ("slip-on", "皮鞋"),
    "backpack": ("rucksack", "双肩包", "背包", "书包"),
    "tote bag": ("shopper", "托特包", "帆布袋"),
    "suitcase": ("trolley case", "luggage", "行李箱", "登机箱"),
    "t-shirt": ("tee", "T恤", "短袖"),
    "hoodie": ("hooded sweatshirt", "卫衣", "连帽衫"),
    "mug": ("cup", "马克杯", "杯子"),
    "tumbler": ("travel mug", "保温杯", "随行杯"),
    "teapot": ("茶壶",),
    "kettle": ("烧水壶", "热水壶"),
    "desk lamp": ("reading lamp", "task light", "台灯", "护眼灯"),
    "table lamp": ("bedside lamp", "床头灯", "氛围灯"),
    "paper lantern": ("灯笼",),
    "camping lantern": ("tent light", "露营灯"),
    "headphones": ("headset", "cans", "耳机"),
    "speaker": ("loudspeaker", "音箱", "音响"),
    "radio": ("wireless set", "收音机"),
    "alarm clock": ("闹钟",),
    "wall clock": ("挂钟",),
    "digital clock": ("led clock", "电子钟"),
    "teddy bear": ("soft toy", "plush bear", "毛绒玩具", "泰迪熊", "公仔"),
    "toy car": ("玩具车",),
    "toy train": ("小火车",),
    "rubber duck": ("小黄鸭",),
    "robot": ("机器人",),
    "xylophone": ("木琴",),
}

#: Category → the general words above its kinds.
_ABOVE: dict[str, str] = {
    "shoes": "footwear",
    "bags": "luggage and bags",
    "tops": "clothing",
    "kitchen": "tableware",
    "lamps": "lighting",
    "audio": "audio equipment",
    "clocks": "timepiece",
    "toys": "toy",
}

_MORE: tuple[tuple[str, str, str], ...] = (
    ("鞋", "synonym", "footwear"),
    ("灯具", "synonym", "lighting"),
    ("玩具", "synonym", "toy"),
    ("餐具", "synonym", "tableware"),
    ("sneaker", "synonym", "running shoe"),
    ("noise cancelling", "synonym", "降噪"),
    ("waterproof", "synonym", "防水"),
    ("wireless", "synonym", "bluetooth"),
    ("蓝牙", "synonym", "bluetooth"),
    ("quick-dry", "synonym", "速干"),
    ("gift", "synonym", "送礼"),
    ("kids", "synonym", "儿童"),
    ("navy", "broader", "blue"),
    ("silver", "broader", "grey"),
    ("beige", "broader", "brown"),
    ("trail running", "broader", "running"),
    ("running", "broader", "sport"),
    ("hiking", "broader", "outdoor"),
    ("camping", "broader", "outdoor"),
    ("紫砂", "broader", "clay"),
    ("porcelain", "broader", "ceramic"),
    ("canvas", "broader", "cotton"),
    ("panda", "broader", "bear"),
    ("熊猫", "synonym", "panda"),
    ("sole", "part-of", "running shoe"),
    ("laces", "part-of", "running shoe"),
    ("鞋底", "synonym", "sole"),
    ("zip", "part-of", "backpack"),
    ("strap", "part-of", "backpack"),
    ("wheel", "part-of", "suitcase"),
    ("hood", "part-of", "hoodie"),
    ("collar", "part-of", "t-shirt"),
    ("handle", "part-of", "mug"),
    ("spout", "part-of", "teapot"),
    ("lid", "part-of", "teapot"),
    ("shade", "part-of", "table lamp"),
    ("灯罩", "synonym", "shade"),
    ("bulb", "part-of", "desk lamp"),
    ("ear cushion", "part-of", "headphones"),
    ("microphone", "part-of", "headphones"),
    ("aerial", "part-of", "radio"),
    ("bell", "part-of", "alarm clock"),
    ("pendulum", "part-of", "wall clock"),
    ("春节", "goes-with", "paper lantern"),
    ("camping", "goes-with", "camping lantern"),
    ("back to school", "goes-with", "backpack"),
    ("SHOE-01", "goes-with", "TOP-05"),
    ("SHOE-04", "goes-with", "TOP-06"),
    ("SHOE-08", "goes-with", "BAG-06"),
    ("BAG-06", "goes-with", "LAMP-14"),
    ("KIT-03", "goes-with", "KIT-10"),
    ("KIT-01", "goes-with", "KIT-11"),
    ("LAMP-03", "goes-with", "CLK-14"),
    ("TOY-09", "goes-with", "TOY-10"),
)


def triples() -> list[tuple[str, str, str]]:
    """All of them; "A broader B" says that B is the broader word, "A part-of B" that A is a part of B."""
    out = [(word, "synonym", kind) for kind, words in _SYNONYMS.items() for word in words]
    kinds = {p.kind: CATEGORY_OF[p.id] for p in PRODUCTS}
    out += [(kind, "broader", _ABOVE[category]) for kind, category in kinds.items()]
    out += [(word, "synonym", colour) for colour, word in COLOUR_ZH.items()]
    out += [(kind, "goes-with", other) for kind, others in GOES_WITH.items() for other in others]
    return out + list(_MORE)
