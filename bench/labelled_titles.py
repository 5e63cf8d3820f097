"""Titles with what they name, labelled by the author of the rules: real ones by their ids, and pairs in both languages written for this.

The real ones were drawn with seed 11 and labelled before the rules were run on them: all model codes, measures (as written) and pieces
in a pack that a person reads in the title, also those that the rules are not made for (a code of three characters). Then two mistakes
that the English list showed were mended ('6in', and a code taken for dimensions); docs/facts.md has the figures before.
"""

from __future__ import annotations

from dataclasses import dataclass

from mmsearch.catalog.units import parse_quantity


@dataclass(frozen=True)
class Labels:
    """What is in one title."""

    id: str
    brands: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    written: tuple[str, ...] = ()  # measures
    pieces: int | None = None

    def of(self, what: str) -> list[str] | list[int]:
        if what == "model code":
            return list(self.codes)
        return in_base_units(self.written) if what == "measure" else [self.pieces] if self.pieces else []


@dataclass(frozen=True)
class Pair:
    """One title in both languages."""

    en: str
    zh: str
    brand: str
    codes: tuple[str, ...]
    written: tuple[str, ...]
    pieces: int | None
    material: tuple[str, ...]
    colour: tuple[str, ...]
    size: tuple[str, ...]

    def of(self, what: str) -> list[str] | list[int]:
        match what:
            case "model code":
                return list(self.codes)
            case "measure":
                return in_base_units(self.written)
            case "quantity":
                return [self.pieces] if self.pieces else []
            case _:
                return list({"material": self.material, "colour": self.colour, "size": self.size}[what])


def in_base_units(written: tuple[str, ...]) -> list[str]:
    quantities = [parse_quantity(text) for text in written]
    assert None not in quantities, written
    return [f"{one.value:g} {one.unit}" for one in quantities if one]


def _labels(text: str) -> list[Labels]:
    found = []
    for line in text.strip().splitlines():
        id, brands, codes, written, pieces = (part.strip() for part in f"{line}||||".split("|")[:5])
        found.append(Labels(id, _several(brands), _several(codes), _several(written), int(pieces) if pieces else None))
    return found


def _several(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


# id | brands, any of which is right | model codes | measures | pieces
_ENGLISH_TEXT = """
1100948 | Brother | LC-41HYBK
1998924 | Matrox
1325390 | CHERRY | G84-4700
461709 | Xerox | 008R12903
299163 | Xerox | 108R00670
387571 | Intel | | 3.2 GHz; 4 MB
2235729 | OKI | C3400
774893 | Equip | | 1 m
77740492 | Leitz
560029 | StarTech.com
79285678 | Samsung | SM-A217F | 16.5 cm; 6.5"; 3 GB; 32 GB; 5000 mAh
1687250 | Canon | PG-510
806037 | Sony | DMW60AJ-BT | 2.8 GB | 3
4312695 | Philips | SHM7410U/10
558472 | StarTech.com
477011 | Leitz | K10
694273 | StarTech.com | | 100 ft
2068267 | Canon
1666099 | Tripp Lite | | 8 m
3659337 | Lexmark | C930X73G
3925006 | ACT | | 1 m
1366573 | Sandberg
834092 | Canon | OC-E3
3874940 | Supermicro | FAN-0103L4
2113897 | TomTom
539991 | HP | EX940AA
2125093 | C2G
515821 | StarTech.com | | 6 in; 3.5 mm
880167 | LevelOne | | 1.8 m
541292 | Zyxel | IES-1248-51A
565213 | Lenovo | | 65 W
55366 | Xerox | 108R00591
635738 | EIZO | | 21.3 inch; 54.1 cm
513607 | HP
694298 | StarTech.com | | 25 ft; 350 MHz; 7.62 m
4140553 | Samsung | JC96-03406B
78989190 | ACT | FB6605 | 5 m
1970134 | Intel | FSR2600LXFAN | 8 cm
2013232 | Case Logic | VHS-101
3606546 | Intel | 80526PY650256 | 0.65 GHz; 0.256 MB
814875 | Lexmark | E320; E322
1791771 | HP | | 300 GB; 3.5"; 2.5"
3553585 | Vogel's | EFA 6875
842212 | Brother | | 12 mm
2256387 | APC | | 30 A; 120 V
442260 | HP | | 64 MB
1448333 | Zyxel
1422331 | Logitech
1230953 | Epson | T612400 | 220 ml
4010767 | Sony | VCL-HGE08B
689426 | Canon | ED-4
3797417 | StarTech.com | | 6 in
1294336 | Equip
2586316 | C2G | | 2 m
693871 | StarTech.com | | 25 ft; 7.62 m
20566 | Epson | C13S015073
2315255 | Lexmark | X264A11G | | 1
637593 | Canon | SG-201
2052887 | Philips | DVP3310
"""
_MUJI = "无印良品; MUJI; 无印良品 MUJI; 无印良品(MUJI); 无印良品（MUJI）"
_APPLE = "Apple; 苹果"
_HUAWEI = "华为; HUAWEI; 华为 HUAWEI"
_XIAOMI = "小米; 小米(MI)"
_CHINESE_TEXT = f"""
10689 | 荣耀 | | 6.39英寸; 4000mAh; 4GB; 64GB
10760 | 荣耀 | | 4GB; 64GB
10272 | {_APPLE} | MV9A2CH/A | 8GB; 512GB
10101 | {_MUJI} | | 50g
10222 | 阿玛尼; Armani; 阿玛尼(Armani)
10690 | {_HUAWEI} | | 4GB; 128GB
10187 | moloke
10344 | {_APPLE} | | 64GB
10847 | {_XIAOMI} | | 5500mAh; 6GB; 128GB
10733 | {_HUAWEI} | | 6GB; 64GB
10075 | {_MUJI}
10727 | 荣耀 | | 6GB; 128GB
10327 | {_APPLE} | | 128GB
10151 | {_MUJI}
10180 | {_APPLE}
10718 | 荣耀 | | 8GB; 128GB
10267 | {_APPLE} | Z0UU0004J | 8GB; 256GB
10078 | {_MUJI}
10366 | {_APPLE} | | 128GB
10724 | 荣耀 | | 6GB; 128GB
10350 | {_APPLE} | | 128GB
10052 | {_MUJI}
10016 | {_MUJI} | | 200ml
10209 | 纪梵希
10168 | 纽曼; Newmine; 纽曼（Newmine） | NM-LK06
10155 | {_MUJI}
10275 | {_APPLE}; 苹果Apple | MUHN2CH/A | 13.3英寸; 128GB
10779 | {_HUAWEI} | | 6GB; 64GB
10128 | {_MUJI}
10359 | {_APPLE} | | 64GB
10743 | {_HUAWEI} | | 8GB; 256GB
10137 | {_MUJI}
10122 | {_MUJI}
10342 | {_APPLE} | | 256GB
10347 | {_APPLE} | | 64GB
10358 | {_APPLE} | | 64GB
10152 | {_MUJI}
10723 | {_HUAWEI} | | 6GB; 64GB
10094 | {_MUJI} | | 100g
10244 | 迪奥; Dior; 迪奥（Dior） | | 3.5g
10227 | 魅可; MAC | | 3 g
10715 | 荣耀 | | 8GB; 128GB
10890 | {_XIAOMI} | | 4GB; 64GB
10190 | 索尼; SONY; 索尼（SONY） | MDR-XB55AP
10214 | 香奈儿; Chanel; 香奈儿Chanel
10145 | {_MUJI}
10755 | 荣耀 | | 4000mAh; 6.59英寸; 8GB; 128GB
10771 | {_HUAWEI} | | 4GB; 64GB
10745 | {_HUAWEI} | | 8GB; 128GB
10114 | {_MUJI}
10824 | {_XIAOMI} | | 4030mAh; 6GB; 64GB
10208 | 圣罗兰; YSL; 圣罗兰（YSL） | | 3.8g
10236 | 圣罗兰; YSL; 圣罗兰（YSL） | | 3.8g
10261 | {_APPLE} | | 13.3英寸; 8GB; 128GB
10767 | {_HUAWEI} | | 6GB; 128GB
10064 | {_MUJI}
10230 | 迪奥; Dior; 迪奥（Dior） | | 3.5g; 1 ml
10887 | {_XIAOMI} | | 8GB; 128GB
10079 | {_MUJI}
10697 | 荣耀 | | 4GB; 64GB
"""
# English | Chinese | brand | codes | measures | pieces | material | colour | size
_PAIRS_TEXT = """
Lanyue cotton T-shirt white L | Lanyue 纯棉T恤 白色 L | Lanyue | | | | cotton | white | L
Lanyue wool sweater dark blue size XL | Lanyue 羊毛衫 深蓝色 XL码 | Lanyue | | | | wool | blue | XL
Tora leather shoes black EU 42 | Tora 真皮皮鞋 黑色 EU 42 | Tora | | | | leather | black | EU 42
Tora canvas shoes red, pack of 2 | Tora 帆布鞋 红色 两双装 | Tora | | | 2 | canvas | red |
Berro shampoo 500 ml | Berro 洗发水 500毫升 | Berro | | 500 ml | | | |
Berro shampoo 6 x 330 ml | Berro 洗发水 330ml*6 | Berro | | 330 ml | 6 | | |
Berro hand soap 250 g, 3 pieces | Berro 香皂 250克 3块装 | Berro | | 250 g | 3 | | |
Kestrel KX-2040 wireless mouse grey | Kestrel KX-2040 无线鼠标 灰色 | Kestrel | KX-2040 | | | | grey |
Kestrel power bank 10000 mAh white | Kestrel 充电宝 10000毫安时 白色 | Kestrel | | 10000 mAh | | | white |
Kestrel monitor 27 inch K270Q | Kestrel 显示器 27英寸 K270Q | Kestrel | K270Q | 27 inch | | | |
Kestrel laptop 16 GB 512 GB silver | Kestrel 笔记本电脑 16GB 512GB 银色 | Kestrel | | 16 GB; 512 GB | | | silver |
Omlin stainless steel bottle 750 ml | Omlin 不锈钢保温杯 750ml | Omlin | | 750 ml | | stainless steel | |
Omlin glass bowl 20 cm | Omlin 玻璃碗 20厘米 | Omlin | | 20 cm | | glass | |
Omlin ceramic mug blue 350 ml, set of 4 | Omlin 陶瓷杯 蓝色 350毫升 4只装 | Omlin | | 350 ml | 4 | ceramic | blue |
Omlin bamboo chopsticks 10 pairs | Omlin 竹筷子 10双装 | Omlin | | | 10 | bamboo | |
Sefton silk scarf pink | Sefton 真丝围巾 粉色 | Sefton | | | | silk | pink |
Sefton linen trousers beige M | Sefton 亚麻裤 米色 M | Sefton | | | | linen | beige | M
Sefton nylon backpack green 20 l | Sefton 尼龙双肩包 绿色 20升 | Sefton | | 20 l | | nylon | green |
Sefton socks 5 pairs black one size | Sefton 袜子 5双装 黑色 均码 | Sefton | | | 5 | | black | one size
Halden wooden chair brown | Halden 实木椅子 棕色 | Halden | | | | wood | brown |
Halden green tea 100 g | Halden 绿茶 100克 | Halden | | 100 g | | | |
Halden coffee beans 1 kg | Halden 咖啡豆 1公斤 | Halden | | 1 kg | | | |
Halden rice 5 kg, 2 bags | Halden 大米 5kg 2袋 | Halden | | 5 kg | 2 | | |
Halden paper towels 12 rolls | Halden 厨房纸 12卷装 | Halden | | | 12 | paper | |
"""
ENGLISH, CHINESE = _labels(_ENGLISH_TEXT), _labels(_CHINESE_TEXT)
PAIRS = [
    Pair(en, zh, brand, _several(codes), _several(written), int(pieces) if pieces else None, *map(_several, (material, colour, size)))
    for en, zh, brand, codes, written, pieces, material, colour, size in (
        [part.strip() for part in line.split("|")] for line in _PAIRS_TEXT.strip().splitlines()
    )
]
