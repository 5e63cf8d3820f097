"""Words of emotions in English and Chinese: small lists of our own, for what shoppers write.

Ekman's six ("An Argument for Basic Emotions", Cognition and Emotion, 1992), 25 to 60 words each in each language, written for mmsearch.
Nothing was copied from a lexicon: the large ones are licensed for research only.
"""

from __future__ import annotations

EMOTIONS = ("joy", "anger", "sadness", "fear", "surprise", "disgust")

_ENGLISH = {
    "joy": """
        happy, happily, happier, happiest, happiness, joy, joyful, joyous, glad, gladly, delight, delighted, delightful, delights, pleased,
        pleasure, thrilled, thrilling, ecstatic, excited, exciting, love, loves, loved, loving, enjoy, enjoys, enjoyed, enjoying,
        enjoyable, fun, cheerful, smile, smiles, smiling, laugh, laughs, laughed, grateful, thankful, thank you, thanks, satisfied, proud,
        awesome, fantastic, wonderful, yay, blessed, elated, over the moon
    """,
    "anger": """
        angry, angrily, anger, angered, mad, furious, fury, rage, outraged, outrageous, outrage, annoyed, annoying, annoys, annoyance,
        irritated, irritating, irritates, frustrated, frustrating, frustration, infuriating, infuriated, pissed, pissed off, fed up,
        unacceptable, ridiculous, insulting, insulted, rude, scam, scammed, scammer, rip off, ripoff, fraud, liar, liars, lied, cheated,
        hate, hates, hated, shame on you, how dare
    """,
    "sadness": """
        sad, sadly, sadness, sadder, saddened, unhappy, disappointed, disappointing, disappointment, disappoints, disappoint, let down,
        letdown, heartbroken, heartbreaking, upset, upsetting, depressed, depressing, miserable, cry, cried, crying, cries, tears, sorry,
        regret, regrets, regretted, regretful, hopeless, gloomy, sorrow, grief, lonely, unfortunately, bummed, bummer, dismayed
    """,
    "fear": """
        afraid, fear, fears, feared, fearful, scared, scary, scare, scares, frightened, frightening, terrified, terrifying, terror, worry,
        worried, worries, worrying, worrisome, anxious, anxiety, nervous, nervously, panic, panicked, dangerous, danger, hazard, hazardous,
        unsafe, alarmed, alarming, dread, dreaded, threatening, uneasy, horrified, concerned, fire hazard
    """,
    "surprise": """
        surprise, surprised, surprises, surprising, surprisingly, amazed, amazing, amazingly, amazement, astonished, astonishing,
        astounded, astounding, shocked, shocking, shock, stunned, unexpected, unexpectedly, wow, whoa, omg, unbelievable, unbelievably,
        incredible, incredibly, speechless, startled, blown away, never expected, did not expect, didn't expect, exceeded expectations,
        better than expected
    """,
    "disgust": """
        disgust, disgusted, disgusting, disgusts, gross, nasty, sickening, sickened, nauseous, nauseating, nausea, vomit, vomited,
        vomiting, puke, revolting, repulsive, repulsed, yuck, yucky, ew, eww, filthy, foul, stink, stinks, stinky, stench, stank, rotten,
        moldy, mouldy, putrid, vile, rancid, smelly, feel sick, maggots, cockroach, hair in it
    """,
}
_CHINESE = {
    "joy": """
        开心, 高兴, 快乐, 愉快, 喜悦, 欢喜, 欣喜, 幸福, 喜欢, 喜爱, 爱死, 爱了, 爱上, 最爱, 爱不释手, 满意, 满足, 欣慰, 兴奋, 激动, 感动,
        感谢, 感激, 谢谢, 多谢, 享受, 期待, 自豪, 骄傲, 乐, 乐呵呵, 哈哈, 哈哈哈, 嘻嘻, 笑, 偷笑, 甜蜜, 温馨, 舒心, 爽, 过瘾, 幸运,
        心满意足, 喜出望外, 美滋滋, 棒极了, 好极了
    """,
    "anger": """
        生气, 愤怒, 气愤, 气死, 气人, 恼火, 恼怒, 发火, 火大, 怒, 大怒, 愤慨, 可恨, 可恶, 讨厌, 烦, 烦人, 烦死, 恨, 无耻, 不要脸, 骗子,
        骗人, 骗钱, 欺骗, 被骗, 上当, 坑人, 坑爹, 被坑, 奸商, 黑店, 黑心, 投诉, 抗议, 忍无可忍, 受不了, 过分, 太过分, 欺人太甚, 岂有此理,
        霸王条款, 忽悠, 垃圾, 混蛋, 王八蛋, 态度恶劣, 无良
    """,
    "sadness": """
        失望, 伤心, 难过, 悲伤, 悲哀, 悲剧, 悲催, 郁闷, 沮丧, 失落, 痛苦, 痛心, 心痛, 心疼, 心寒, 心凉, 心酸, 遗憾, 可惜, 后悔, 懊悔, 无奈,
        无语, 委屈, 哭, 哭了, 欲哭无泪, 泪, 流泪, 眼泪, 崩溃, 绝望, 倒霉, 唉, 哎, 呜呜, 可怜, 难受, 不开心, 不高兴, 扫兴, 心灰意冷, 凄凉
    """,
    "fear": """
        害怕, 可怕, 恐怖, 恐惧, 恐慌, 惊恐, 惊吓, 吓人, 吓死, 吓坏, 吓到, 吓了一跳, 吓一跳, 吓, 怕, 生怕, 担心, 担忧, 忧虑, 担惊受怕,
        提心吊胆, 胆战心惊, 心惊肉跳, 毛骨悚然, 后怕, 紧张, 不安, 焦虑, 慌, 慌张, 危险, 不安全, 安全隐患, 隐患, 有毒, 致癌, 爆炸, 冒烟,
        触电, 漏电, 不敢, 心有余悸
    """,
    "surprise": """
        惊喜, 惊讶, 惊奇, 惊叹, 惊艳, 吃惊, 震惊, 意外, 意想不到, 没想到, 想不到, 出乎意料, 大吃一惊, 不可思议, 难以置信, 居然, 竟然, 竟,
        哇, 哇塞, 天哪, 天啊, 我的天, 超出预期, 超预期, 喜出望外, 目瞪口呆, 傻眼, 惊呆, 惊呆了, 惊到, 神奇, 奇迹, 出人意料, 万万没想到
    """,
    "disgust": """
        恶心, 想吐, 呕吐, 吐了, 作呕, 反胃, 倒胃口, 厌恶, 嫌弃, 鄙视, 肮脏, 脏, 脏死, 脏兮兮, 臭, 臭味, 恶臭, 发臭, 馊, 馊味, 霉味, 发霉,
        腐烂, 烂了, 烂掉, 异味, 怪味, 难闻, 刺鼻, 蟑螂, 苍蝇, 虫子, 蛆, 头发丝, 难以下咽, 膈应, 龌龊, 令人作呕, 腥臭, 污秽
    """,
}
_SIGNS = {
    "joy": "😀😃😄😁😆😂🤣😊😍🥰😘🤗🥳❤💕💖",
    "anger": "😠😡🤬👿",
    "sadness": "😢😭😞😔☹🙁😩💔",
    "fear": "😨😰😱😧",
    "surprise": "😮😲😯🤯",
    "disgust": "🤢🤮",
}


def _emotion_of(table: dict[str, str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for emotion, text in table.items():
        for entry in text.replace("\n", " ").split(","):
            found.setdefault(" ".join(entry.split()), set()).add(emotion)
    return {entry: frozenset(emotions) for entry, emotions in found.items()}


#: language → entry → its emotions (喜出望外 is joy and surprise).
WORDS = {"en": _emotion_of(_ENGLISH), "zh": _emotion_of(_CHINESE)}
#: Emoji → emotion.
SIGNS = {sign: emotion for emotion, signs in _SIGNS.items() for sign in signs}
