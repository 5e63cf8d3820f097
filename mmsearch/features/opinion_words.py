"""Words of praise and blame for what shoppers write: what VADER's English lexicon lacks, and a small Chinese lexicon of our own.

Strengths are VADER's: 4 is the most that praise can be, -4 the most that blame can be. Both lists were written for mmsearch, from what is
common in reviews of any shop; nothing was copied from another lexicon. They are small (about 100 English and 800 Chinese words).
"""

from __future__ import annotations

_ENGLISH: dict[float, str] = {
    2.4: """
        durable sturdy crisp comfy snug affordable intuitive must-have sleek rugged stylish
    """,
    1.6: """
        works worked working fits fit lightweight portable fast quick quickly quiet sharp accurate compact smooth smoothly spacious soft
        tasty genuine authentic inexpensive simple versatile reliable sturdier handy crystal
    """,
    1.0: """
        quality upgrade
    """,
    -2.6: """
        breaks garbage junk lemon unusable unreliable refund refunded ripoff rip-off counterfeit knockoff moldy spoiled inedible smelly
        ripped cracked leaking leaks scratched bricked malfunction malfunctioned malfunctions overheats overheated overheating broke
        broken defective faulty crap useless dud rotten torn leaked
    """,
    -1.8: """
        return returned returning replacement replace replaced repair repaired flimsy cheaply plasticky clunky bulky grainy fuzzy dim slow
        slowly laggy froze crashes crashed glitch glitches glitchy peeled peeling faded fades shrank shrunk stained scratchy expired stale
        soggy tasteless bland tight tiny heavy overpriced expensive incompatible impossible scratches scratch dent dented crack dies
        drains wobbly loud inaccurate complicated short beware stopped noisy blurry sluggish lag lags freezes crash stuck loose itchy
    """,
    -1.0: """
        supposed instead only however lacks lacking issue issues though
    """,
}
#: English words of shops with their strength; they replace what VADER says of them.
ENGLISH = {word: strength for strength, text in _ENGLISH.items() for word in text.split()}
_ENGLISH_NEUTRAL_TEXT = """
support supported supporting supports play playing plays played gift gifts kind kinds please matter matters security share shared
credit interest energy join want wanted wants alarm alarms dark crush
"""
#: Words to which VADER gives a strength and which say nothing of a product (`support`, `gift`, `play`).
ENGLISH_NEUTRAL = frozenset(_ENGLISH_NEUTRAL_TEXT.split())

_PRAISE: dict[float, str] = {
    3.2: """
        完美 超赞 惊艳 无可挑剔 五星 满分 绝了 超值 物超所值 一流 卓越 顶级 爱不释手 赞不绝口 极品 叹为观止 棒极了 好极了 好评 五星好评
        太棒 无敌 百看不厌 爱死 强烈推荐 值得拥有 超级棒 超好 神器 良心 杠杠的 没得说 没话说 没的说 大赞 给力
    """,
    2.4: """
        很棒 棒 赞 点赞 优秀 出色 精美 精致 漂亮 美观 喜欢 喜爱 爱 最爱 满意 推荐 值得 惊喜 开心 高兴 愉快 感动 感谢 谢谢 好吃 好喝 好用
        好看 好听 好闻 美味 可口 香甜 鲜美 清甜 脆甜 舒服 舒适 贴心 周到 热情 细心 用心 放心 靠谱 可靠 信赖 信任 耐用 结实 牢固 优质 上乘
        高档 大气 时尚 帅气 帅 迷人 精彩 经典 有趣 感人 受益匪浅 启发 实惠 划算 超划算 便利 神速 飞快 一如既往 忠实 支持 爽 过瘾 温馨 可爱
        人性化 物美价廉 性价比高 回购 合身 显瘦 显白 飘逸 柔顺 顺滑 丝滑 流畅 清晰 逼真 细腻 新鲜 甜美 多汁 幸运 享受 幸福 精良 考究 完好
        完好无损 高效 专业 亲切 友好 友善 耐心 优雅 豪华 安静 宁静 干净 整洁 整齐 宽敞 齐全 名副其实 货真价实 值了 超级喜欢 顶 牛 良品
        佳品 佳 极佳 上佳 出众 突出 小巧 轻巧 灵敏 省心 酷
    """,
    1.7: """
        不错 好 挺好 还好 良好 很好 好的 真好 最好 方便 便宜 快 很快 快速 迅速 及时 准时 简单 轻便 清爽 清香 香 甜 脆 鲜 柔软 柔和 软和
        光滑 厚实 透气 保暖 暖和 正品 真货 值 合适 适合 正好 刚好 合脚 稳定 强大 强劲 安全 实用 耐看 耐穿 正宗 地道 纯正 滋润 保湿 去屑
        丰富 深刻 深入 生动 幽默 详细 详尽 全面 吸引 吸引人 优惠 特价 赠品 赠送 放心购买 相信 继续 再来 还会 下次 常来 期待 值得一看 精神
        美 美丽 美好 优点 优势 亮点 优美 高级 效果显著 有效 管用 见效 明显改善 改善 成功 顺利 完整 严实 崭新 到位 认真 负责 主动 礼貌 客气
        随和 没问题 无损 无瑕 个大 均匀 水灵 饱满 匀称 入味 省电 省力 轻松 信得过 老牌子 老用户 老顾客 习惯 一直用 一直买 首选 不二 不愧
        值得信赖 多谢 辛苦 温和 温柔 经久 持久 长久 超大 高清 鲜艳 亮丽 雅致 素雅
    """,
    0.8: """
        可以 还行 还可以 还不错 行 凑合 尚可 一般般 正常 满足 足够 够用 够 挺 新 大方 齐 合理 公道 适中 推荐给 愿意 值得看 帮助 有用
        符合 一致 一样
    """,
}
_BLAME: dict[float, str] = {
    -3.4: """
        垃圾 骗子 骗人 欺骗 欺诈 坑爹 坑人 坑 恶心 恶劣 极差 超差 太差 差劲 差评 最差 无耻 可恶 气死 愤怒 假货 冒牌 冒牌货 山寨 黑店 奸商
        烂透 烂 破烂 糟透 糟糕透顶 一塌糊涂 惨不忍睹 忍无可忍 不要脸 霸王条款 上当 上当受骗 受骗 被骗 被坑 千万别 千万不要 投诉 退款 诈骗
        伪劣 劣质 次品 残次品 废品 废物 无良 流氓 人渣 呕吐 想吐 作呕 毒 有毒 致癌 吃坏 拉肚子 蛆 虫子 蟑螂 苍蝇 害人 坑货 无语 狗屁
        白痴 一星 零分 负分 奇差
    """,
    -2.5: """
        差 很差 较差 失望 后悔 糟糕 糟 讨厌 难吃 难喝 难看 难闻 难用 难受 难听 臭 臭味 异味 怪味 霉 发霉 霉味 烂掉 腐烂 烂了 坏 坏了 坏掉
        坏的 烂的 破 破损 破了 损坏 故障 死机 黑屏 蓝屏 花屏 闪退 卡死 裂 裂开 开裂 断裂 断 掉漆 褪色 掉色 起球 缩水 变形 漏水 漏电 漏油
        漏液 爆炸 冒烟 过敏 红肿 刺痛 瘙痒 头皮屑 头屑 脱发 掉发 掉头发 退货 退了 退掉 退换 换货 返修 维修 假 假的 不值 浪费 受不了 忽悠
        敷衍 推卸 推脱 推诿 冷漠 冷淡 傲慢 粗暴 粗鲁 态度恶劣 没人理 不理 拖延 气愤 生气 郁闷 恼火 悲剧 可悲 可怕 恐怖 害怕 痛苦 崩溃 无奈
        不爽 吐槽 鄙视 抗议 警告 奉劝 劝 当心 肮脏 脏 污渍 污垢 破旧 陈旧 老旧 简陋 昏暗 吵 吵闹 嘈杂 噪音 噪声 干瘪 难以下咽 无聊 乏味
        空洞 肤浅 枯燥 胡说 胡扯 抄袭 盗版 错别字 漏洞百出 误导 虚假 夸张 名不副实 言过其实 名不符实 徒有虚名 以次充好 偷工减料 粗糙
        粗制滥造 扎人 刺鼻 掉毛 短路 失灵 失效 失败 报废 不合格 劣 再也不 再也不会 再也不来 不会再 不会再买 不会再来 扔 扔掉 扔了 丢掉
        倒掉 水货 翻新 二手 旧货
    """,
    -1.7: """
        不好 不行 不满 不满意 不值得 不推荐 不建议 不喜欢 不舒服 不方便 不新鲜 不好吃 不好看 不好用 不合适 不合身 不符 不对 不准 不灵
        不稳定 不足 不便 不如 不咋地 不咋样 不怎么样 不怎么 不敢 不敢恭维 不清楚 不清晰 不流畅 问题 毛病 缺点 缺陷 瑕疵 缺憾 遗憾 可惜
        麻烦 慢 太慢 缓慢 卡 很卡 卡顿 延迟 发热 发烫 烫手 烫 耗电 费电 沉 笨重 笨 薄 单薄 太薄 太小 太大 太短 太长 偏小 偏大 偏贵 贵 太贵
        死贵 色差 差距 差别 出入 差异 不一样 不同 皱 皱巴巴 硬 太硬 酸 苦 涩 腥 干 油腻 腻 少 缺 缺少 缺货 没货 漏发 错发 发错 少发 假冒
        怀疑 质疑 疑似 担心 纠结 尴尬 刮痕 划痕 痕迹 松动 松 掉 脱落 脱线 线头 开线 破洞 洞 透 褶皱 灰尘 污 黑点 斑点 坏点 漏光
        反光 刺耳 杂音 模糊 难 困难 复杂 繁琐 啰嗦 罗嗦 混乱 乱 脏乱 拥挤 偏僻 隐蔽 陈 旧 老化 潮湿 冷 闷 闷热 晒 挤 乱码 错误 出错
        误差 失误 疏忽 骚扰 降价 涨价 跌价 刚买就降 催 等了 久等 迟迟 迟到 勉强 凑数 马虎 草率 随便 牵强 幼稚 老套 过时 落后 差点 差强人意
        抱歉 对不起 倒霉 倒闭 心疼 心寒 压坏 碰坏 磕 磕碰 挤压 碎 碎了 摔 摔坏 退 换 返厂 售后 客服 吃亏 贬值 无法 无用 没用 没效果
        没有效果 无效 不管用 没反应 打不开 开不了机 用不了 充不进 充不了 连不上 收不到 看不清 穿不了 没法 没法用 没法穿 没法吃 没味道 没味
        没法看 看不懂 不懂 受伤 赔 赔偿 黑心 奇怪 怪 土气 俗气 俗 臃肿 显胖 显老 显黑 丑 丑陋 粗 厚重 僵硬 透明 塑料感 廉价 便宜货 地摊货
        地摊 水分 掺 勾兑 添加剂 过期 临期 变质 变味 馊 生锈 锈 死 蔫 软塌塌
    """,
    -0.8: """
        一般 普通 平平 平淡 凑合着 将就 还是算了 算了 有待 有待提高 改进 希望改进 加强 提高 应该 居然 竟然 根本 简直 所谓 结果 为什么 怎么
        才 只有 只能 只好 仅 小 短 硬邦邦 软 淡 淡而无味 干嘛 何必 貌似 好像 似乎 难道 到底 究竟 竟 还要 却 反而 明明 非要 强制 被迫 联系
        打电话 解释 说法 道歉 拒绝
    """,
}
#: Chinese words with their strength.
CHINESE = {word: strength for words in (_PRAISE, _BLAME) for strength, text in words.items() for word in text.split()}

_NEGATIONS_TEXT = """
不 不会 不再 不可 不够 不大 不太 不必 不怎么 不是 不用 不算 不能 不要 从不 从来不 别 并不 并未 并非 无 无法 未 毫不 毫无 没 没什么
没啥 没有 没能 称不上 算不上 绝不 缺乏 谈不上 难以 非
"""
#: Chinese words that turn what follows round.
NEGATIONS = frozenset(_NEGATIONS_TEXT.split())
_DEGREES: dict[float, str] = {
    1.4: """
        非常 特别 极其 极 极为 超 超级 太 最 十分 相当 格外 万分 无比 绝对 巨 贼 狂 实在 过于 严重 完全 极度 真心 真是 简直
    """,
    1.2: """
        很 真 好 挺 蛮 更 更加 够 真的 确实 尤其 多么 老 可 着实 的确 都
    """,
    0.8: """
        比较 较 还 还算 算 略 稍 稍微 稍稍 有点 有点儿 有些 一点 一点点 些许 略微 似乎 好像 可能 感觉
    """,
}
#: Chinese words that make what follows stronger or weaker, and by how much.
DEGREES = {word: factor for factor, text in _DEGREES.items() for word in text.split()}
_BUT_TEXT = """
不过 但 但是 却 只不过 只是 可 可惜 可是 就是 无奈 然而 除了
"""
#: Chinese words after which the real opinion comes.
BUT = frozenset(_BUT_TEXT.split())
_UNREAL_TEXT = """
以为 倘若 假如 原以为 原本 如果 希望 应该 建议 本以为 本想 本来 若 要是
"""
#: Chinese words that make of praise a wish or a condition: it was not so.
UNREAL = frozenset(_UNREAL_TEXT.split())
