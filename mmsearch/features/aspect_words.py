"""Nouns that no review is about, and other words that stand where nouns do: never an aspect."""

from __future__ import annotations

_ENGLISH_TEXT = """
one ones two three four five six seven eight nine ten first second third last next also even still yet ever never always often sometimes
usually maybe perhaps quite rather pretty really almost already soon later now then here there everywhere away back around right left much
many little lot lots bit few several enough less least half whole another every everyone everybody everything something anything nothing
someone somebody anyone anybody thing things stuff way ways kind sort type case cases point fact reason reasons problem problems issue
issues question time times day days week weeks month months year years hour hours minute minutes today yesterday tomorrow people person
guy guys man woman men women friend friends wife husband son daughter kid kids mother father mom dad family amazon shop store seller
review reviews reviewer product products item items unit units company brand purchase order world example end start rest top side
part parts without within since though although however because unless until while whether upon among amongst along across toward towards
may might must shall would could ought cannot etc amp quot via per plus minus yes okay please thanks thank hello hi sure far near long ago
big small new old able unable different same similar certain actual main major minor full empty find found think thought know knew known
see seen look looking looked seems seem seemed using used going gone getting gotten put puts set sets read reads reading buy buying bought
sell purchased owned own received arrived ordered included includes include comes came coming want wanted need needed needs try tried
trying turn turned turns open opened close closed started stop plays play playing help helps helped add added call called show shows leave
hold held change changed happen happens happened mean means meant hear heard feel feels felt says said tell told ask asked give gave given
take took taken make makes made making keep keeps kept let lets run runs running work working wear wearing worn walk ship shipped expect
expected notice noticed decide decided wait waited waiting hope hoping wish believe guess understand learn write wrote christmas birthday
monday tuesday wednesday thursday friday saturday sunday january february march april june july august september october november december
"""
ENGLISH = frozenset(_ENGLISH_TEXT.split())

_CHINESE_TEXT = """
感觉 时候 问题 大家 时间 结果 总体 整体 全部 朋友 地方 建议 情况 原因 小时 东西 下单 活动 购物 评价 评论 商品 产品 宝贝 人家 自己 有点
影响 办法 方面 人员 部分 程度 意思 样子 事情 事儿 机会 过程 期间 当时 当天 昨天 今天 明天 早上 晚上 上午 下午 中午 周末 今年 去年 明年
老婆 老公 孩子 儿子 女儿 妈妈 爸爸 老妈 老爸 父母 家人 家里 同事 同学 客人 顾客 消费者 买家 亲们 亲 本人 别人 他人 老人 男人 女人 人们
网友 用户 世界 社会 生活 人生 国家 中国 北京 上海 京东 淘宝 天猫 亚马逊 当当 携程 店铺 网上 网站 电话 理由 目的 方式 方法 内容 水平 标准
关系 机器 机子 牌子 品牌 公司 厂家 商家 卖家 店家 小时候 时代 后来 以后 以前 之前 之后 最后 开始 结束 需要 使用 希望 觉得 知道 收到 打开
回来 起来 出来 下来 上去 过来 消费 体验 感受 想法 心情 印象 缘故 免费 全国 双十一 双十二 好评 差评 中评 追评 星级 个人 一会儿 半天 半年
一年 几天 两天 三天 一天 个月 星期 礼拜 天后 年前 实际 实物 现实 本来 机场 火车站 特点 优点 缺点 优势 毛病 要求 说法 办事 字 人 话 事
"""
CHINESE = frozenset(_CHINESE_TEXT.split())
