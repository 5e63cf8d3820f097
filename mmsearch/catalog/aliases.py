"""The names that columns go by, in English and Chinese."""

from __future__ import annotations

#: field → the column names that mean it, in order of preference. Compared without case, with '_', '-', '.' and spaces equal.
PRODUCT_ALIASES: dict[str, tuple[str, ...]] = {
    "id": (
        *(
            "id",
            "product_id",
            "sku",
            "item_id",
            "goods_id",
            "asin",
            "article_id",
            "product",
            "product_code",
            "item_code",
            "sku_id",
            "spu_id",
        ),
        *(
            "product_number",
            "article_number",
            "item_number",
            "sku_code",
            "编号",
            "商品编号",
            "商品id",
            "货号",
            "商品编码",
            "商品代码",
            "款号",
        ),
    ),
    "title": (
        *("title", "name", "product_name", "product_title", "item_name", "movie_title", "item_title", "goods_name", "short_description"),
        *("标题", "名称", "商品名称", "商品标题", "品名", "产品名称", "商品名"),
    ),
    "description": (
        *("description", "desc", "product_description", "body", "intro", "summary", "long_description", "body_html", "details", "detail"),
        *("描述", "简介", "商品描述", "介绍", "详情", "商品详情", "商品介绍", "产品描述"),
    ),
    "category": (
        *("category", "categories", "category_path", "product_type", "product_category", "google_product_category", "category_name"),
        *("分类", "类别", "类目", "商品类别", "商品分类", "品类"),
    ),
    "brand": ("brand", "brand_name", "manufacturer", "vendor", "maker", "品牌", "品牌名称", "厂商", "厂家"),
    "price": ("price", "sale_price", "unit_price", "selling_price", "list_price", "价格", "售价", "单价", "商品价格", "销售价"),
    "currency": ("currency", "currency_code", "price_currency", "货币", "币种"),
    "images": (
        *(
            "images",
            "image",
            "image_url",
            "image_path",
            "photo",
            "photos",
            "picture",
            "pictures",
            "img",
            "image_urls",
            "image_link",
            "imgs",
        ),
        *(
            "image_links",
            "image_file",
            "main_image",
            "photo_url",
            "picture_url",
            "img_url",
            "图片",
            "主图",
            "照片",
            "商品图片",
            "图片链接",
            "图片地址",
        ),
    ),
    "audio": ("audio", "sound", "sounds", "audio_path", "audio_url", "audio_file", "sound_url", "音频", "声音", "音频链接"),
    "video": ("video", "videos", "clip", "clips", "video_path", "video_url", "video_link", "video_file", "视频", "视频链接"),
    "parent": (
        *(
            "parent",
            "parent_id",
            "variant_of",
            "item_group_id",
            "spu",
            "parent_sku",
            "parent_asin",
            "parent_product_id",
            "group_id",
            "master_id",
        ),
        *("父商品", "父商品编号", "主商品", "父编号", "款式编号"),
    ),
    "stock": (
        *("stock", "inventory", "qty", "quantity", "stock_quantity", "inventory_quantity", "units_in_stock", "available_quantity"),
        *("库存", "库存量", "库存数量", "数量"),
    ),
}
_USER = (
    "user",
    "user_id",
    "uid",
    "customer",
    "customer_id",
    "shopper",
    "visitor_id",
    "member_id",
    "用户",
    "用户id",
    "用户编号",
    "会员",
    "会员id",
)
_PRODUCT = (
    *("product", "product_id", "item", "item_id", "sku", "asin", "goods_id", "parent_asin", "article_id"),
    *("商品", "商品编号", "商品id", "货号"),
)
_TIME = ("time", "timestamp", "date", "datetime", "created_at", "event_time", "review_time", "时间", "日期", "创建时间", "评论时间")
INTERACTION_ALIASES: dict[str, tuple[str, ...]] = {
    "user": (*_USER, "reviewer_id"),
    "product": _PRODUCT,
    "event": ("event", "event_type", "action", "behavior", "behaviour", "type", "事件", "行为", "行为类型"),
    "value": ("value", "rating", "score", "weight", "quantity", "评分", "数量"),
    "time": _TIME,
}
REVIEW_ALIASES: dict[str, tuple[str, ...]] = {
    "user": (*_USER, "reviewer", "reviewer_id", "author", "评论者", "买家"),
    "product": _PRODUCT,
    "text": (
        *("text", "review", "review_text", "comment", "content", "review_body", "body", "comments", "review_content", "message"),
        *("评论", "内容", "评价", "评论内容", "评价内容", "点评"),
    ),
    "rating": ("rating", "stars", "score", "star_rating", "overall", "评分", "星级", "打分"),
    "time": _TIME,
    "id": ("id", "review_id", "comment_id", "评论id", "评论编号"),
    "title": ("title", "summary", "headline", "review_title", "review_headline", "subject", "标题", "评论标题"),
}
SEARCH_ALIASES: dict[str, tuple[str, ...]] = {
    "user": (*_USER, "session", "session_id"),
    "text": (
        *("text", "query", "keyword", "search_term", "keywords", "q", "search", "search_query", "query_text", "term"),
        *("搜索词", "关键词", "查询", "查询词", "搜索", "检索词"),
    ),
    "time": (*_TIME, "search_time", "搜索时间"),
    "clicked": ("clicked", "clicked_product", "clicked_id", "click", "clicks", "clicked_item", "product_clicked", "点击", "点击商品"),
}
USER_ALIASES: dict[str, tuple[str, ...]] = {
    "id": (*_USER, "id", "编号"),
}
TRIPLE_ALIASES: dict[str, tuple[str, ...]] = {
    "head": ("head", "subject", "subj", "head_entity", "source", "头实体", "头", "主语", "主体"),
    "relation": ("relation", "predicate", "pred", "rel", "property", "关系", "谓语", "谓词"),
    "tail": ("tail", "object", "obj", "tail_entity", "target", "尾实体", "尾", "宾语", "客体"),
}
ALIASES: dict[str, dict[str, tuple[str, ...]]] = {
    "products": PRODUCT_ALIASES,
    "interactions": INTERACTION_ALIASES,
    "reviews": REVIEW_ALIASES,
    "searches": SEARCH_ALIASES,
    "users": USER_ALIASES,
    "triples": TRIPLE_ALIASES,
}
KINDS = tuple(ALIASES)
#: A file without columns, which is read as triples (`mmsearch.catalog.readers.synonyms`).
SYNONYMS = "synonyms"
#: What every row of a kind needs.
NEEDED: dict[str, tuple[str, ...]] = {
    "products": ("id",),
    "interactions": ("user", "product"),
    "reviews": ("product", "text"),
    "searches": ("text",),
    "users": ("id",),
    "triples": ("head", "relation", "tail"),
}
#: Fields that several columns may hold together.
MEDIA = ("images", "audio", "video")
#: Names of columns that hold more of what the first column of a field holds.
NUMBERED: dict[str, tuple[str, ...]] = {
    "images": (
        *("additional_image_link", "additional_image_links", "additional_image", "additional_images", "extra_image", "extra_images"),
        *("other_images", "gallery", "gallery_images", "more_images", "附图", "副图", "其他图片", "详情图", "更多图片"),
    ),
    "audio": ("additional_audio", "更多音频"),
    "video": ("additional_video", "additional_videos", "video_links", "更多视频"),
}
#: Product fields that a file may have in several languages.
TEXTS = ("title", "description", "category", "brand")
_ISO_639_1 = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et "
    "eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk "
    "kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny "
    "oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk "
    "tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu "
)
LANGUAGES = frozenset(_ISO_639_1.split())
