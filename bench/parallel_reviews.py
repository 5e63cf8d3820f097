"""Reviews in both languages, sentence for sentence, with what they say: to see that both languages give the same facts.

Written by the author of the rules, before the rules were run on them, and not changed after: they test that both languages are treated
alike, not how good the rules are on what shoppers write. Each: English, Chinese, praises (+) or blames (-), emotion ('' for none).
"""

from __future__ import annotations

from typing import NamedTuple


class Pair(NamedTuple):
    english: str
    chinese: str
    sign: str
    emotion: str


_TEXT = """
Absolutely love these shoes, so comfortable on long walks. | 太喜欢这双鞋了，走远路也很舒服。 | + | joy
The zipper broke after one week. | 用了一个星期拉链就坏了。 | - |
Great quality and fast delivery, I am very happy. | 质量很好，发货也快，我很开心。 | + | joy
I was scared when the charger started smoking. | 充电器冒烟的时候把我吓坏了。 | - | fear
Not worth the money, I regret buying it. | 不值这个价，后悔买了。 | - | sadness
What a pleasant surprise, much better than I expected! | 真是惊喜，没想到比我预期的好得多！ | + | surprise
The seller lied to me and I am furious. | 卖家骗人，我非常愤怒。 | - | anger
The smell is disgusting, I had to throw it away. | 味道太恶心了，只好扔掉。 | - | disgust
The screen is clear and the sound is good. | 屏幕很清晰，音质也不错。 | + |
The colour is different from the picture, very disappointed. | 颜色和图片不一样，很失望。 | - | sadness
My daughter is delighted with her new backpack. | 女儿收到新书包高兴极了。 | + | joy
It does not work at all. | 完全不能用。 | - |
Sturdy, easy to use and well made. | 结实耐用，做工好，使用方便。 | + |
The customer service is rude, terrible experience. | 客服态度恶劣，体验很差。 | - |
It is cheap and it works well. | 便宜又好用。 | + |
The fabric is rough and it shrank after washing. | 布料粗糙，洗了以后缩水。 | - |
The tea smells wonderful and tastes fresh. | 茶叶很香，味道新鲜。 | + |
The fruit was rotten when it arrived. | 水果收到的时候已经烂了。 | - |
I would recommend this to everyone. | 推荐给大家购买。 | + |
The battery drains too quickly, I am annoyed. | 电池耗电太快了，让人恼火。 | - | anger
Perfect fit and beautiful design. | 大小合适，款式漂亮。 | + |
Never buy from this shop again. | 再也不会在这家店买了。 | - |
The book is boring, I could not finish it. | 这本书很无聊，看不下去。 | - |
I was worried it would be too small, but it fits perfectly. | 担心会太小，但是非常合适。 | + | fear
The packaging was damaged and one cup was broken. | 包装破损，一个杯子碎了。 | - |
Best purchase this year, thank you! | 今年买得最值的东西，谢谢！ | + | joy
I am shocked by how fast it broke. | 坏得这么快，让我很震惊。 | - | surprise
The hotel room was clean and quiet. | 酒店房间干净又安静。 | + |
The room was dirty and the bathroom stinks, I feel sick. | 房间很脏，卫生间很臭，让人想吐。 | - | disgust
It is a fake, do not trust this seller. | 是假货，不要相信这个卖家。 | - |
The heater is noisy, otherwise it is fine. | 热水器噪音大，其他还可以。 | - |
My old one died and I was sad, this one is excellent. | 旧的坏了我很难过，这个非常好。 | + | sadness
They refused a refund, I am so angry. | 他们拒绝退款，太让人生气了。 | - | anger
Nice colour, soft and warm. | 颜色好看，柔软暖和。 | + |
There is no smell and no scratches, it looks new. | 没有异味也没有划痕，看起来很新。 | + |
The size is wrong and the material is thin. | 尺码不对，料子很薄。 | - |
I am afraid the glass will break soon. | 我怕玻璃很快就会碎。 | - | fear
The phone is fast and takes wonderful photos. | 手机很快，拍照效果很棒。 | + |
It stopped working and nobody answers my emails. | 不能用了，发邮件也没人理。 | - |
Not bad at all for this price. | 这个价钱真的不错。 | + |
"""
PAIRS = [Pair(*(part.strip() for part in line.split("|"))) for line in _TEXT.strip().splitlines()]
