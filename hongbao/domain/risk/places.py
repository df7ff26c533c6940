"""Places: the cities that a device may say it is in, and how far they are from each other."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

from hongbao.rows import Row

_EARTH_KM = 6371  # the mean radius; a sphere is right to about half a percent


class Place(Row):
    """A city, by the *number* that acts are remembered with: it never changes."""

    number: int
    code: str
    name_en: str
    name_zh: str
    lat: int  # hundredths of a degree north
    lon: int  # hundredths of a degree east


PLACES: tuple[Place, ...] = tuple(
    Place(number, *row)
    for number, row in enumerate(
        (
            ("unknown", "unknown", "未知", 0, 0),
            ("beijing", "Beijing", "北京", 3990, 11640),
            ("tianjin", "Tianjin", "天津", 3913, 11720),
            ("shijiazhuang", "Shijiazhuang", "石家庄", 3804, 11451),
            ("taiyuan", "Taiyuan", "太原", 3787, 11255),
            ("hohhot", "Hohhot", "呼和浩特", 4084, 11175),
            ("shenyang", "Shenyang", "沈阳", 4180, 12343),
            ("dalian", "Dalian", "大连", 3891, 12161),
            ("changchun", "Changchun", "长春", 4382, 12532),
            ("harbin", "Harbin", "哈尔滨", 4580, 12653),
            ("shanghai", "Shanghai", "上海", 3123, 12147),
            ("nanjing", "Nanjing", "南京", 3206, 11880),
            ("suzhou", "Suzhou", "苏州", 3130, 12058),
            ("wuxi", "Wuxi", "无锡", 3149, 12031),
            ("hangzhou", "Hangzhou", "杭州", 3027, 12015),
            ("ningbo", "Ningbo", "宁波", 2987, 12154),
            ("wenzhou", "Wenzhou", "温州", 2799, 12070),
            ("hefei", "Hefei", "合肥", 3182, 11723),
            ("fuzhou", "Fuzhou", "福州", 2607, 11930),
            ("xiamen", "Xiamen", "厦门", 2448, 11809),
            ("nanchang", "Nanchang", "南昌", 2868, 11586),
            ("jinan", "Jinan", "济南", 3665, 11712),
            ("qingdao", "Qingdao", "青岛", 3607, 12038),
            ("zhengzhou", "Zhengzhou", "郑州", 3475, 11363),
            ("wuhan", "Wuhan", "武汉", 3059, 11431),
            ("changsha", "Changsha", "长沙", 2823, 11294),
            ("guangzhou", "Guangzhou", "广州", 2313, 11326),
            ("shenzhen", "Shenzhen", "深圳", 2254, 11406),
            ("dongguan", "Dongguan", "东莞", 2302, 11375),
            ("nanning", "Nanning", "南宁", 2282, 10837),
            ("haikou", "Haikou", "海口", 2004, 11020),
            ("sanya", "Sanya", "三亚", 1825, 10951),
            ("chongqing", "Chongqing", "重庆", 2956, 10655),
            ("chengdu", "Chengdu", "成都", 3057, 10407),
            ("guiyang", "Guiyang", "贵阳", 2665, 10663),
            ("kunming", "Kunming", "昆明", 2504, 10272),
            ("lhasa", "Lhasa", "拉萨", 2965, 9114),
            ("xian", "Xi'an", "西安", 3434, 10894),
            ("lanzhou", "Lanzhou", "兰州", 3606, 10383),
            ("xining", "Xining", "西宁", 3662, 10178),
            ("yinchuan", "Yinchuan", "银川", 3849, 10623),
            ("urumqi", "Urumqi", "乌鲁木齐", 4383, 8762),
            ("hongkong", "Hong Kong", "香港", 2232, 11417),
            ("macau", "Macau", "澳门", 2220, 11354),
            ("taipei", "Taipei", "台北", 2503, 12157),
        )
    )
)
"""
Every city by its number; 0 is not known.

New ones go to the end: a number that is remembered somewhere stays the same city. Coordinates are
those of the centres, to two decimals, which is about a kilometre.
"""

_BY_NAME = {
    name.casefold(): place
    for place in PLACES[1:]
    for name in (place.code, place.name_en, place.name_zh)
}


def place_called(text: str) -> Place | None:
    """
    Return the city that *text* names by its code or in either language, if there is one.

    >>> place_called("上海") == place_called("Shanghai") == place_called("SHANGHAI") == PLACES[10]
    True
    """
    return _BY_NAME.get(text.strip().casefold())


def distance_km(a: int, b: int) -> int:
    """
    Return the distance between the cities *a* and *b*, by their numbers, in whole kilometres.

    It is the way over the surface of a sphere (the haversine formula), and 0 where either city is
    not known.

    >>> distance_km(1, 10)  # from Beijing to Shanghai
    1067
    """
    if a == b or not (0 < a < len(PLACES) and 0 < b < len(PLACES)):
        return 0
    here, there = PLACES[a], PLACES[b]
    lat_here, lat_there = radians(here.lat / 100), radians(there.lat / 100)
    half_lat = (lat_there - lat_here) / 2
    half_lon = radians((there.lon - here.lon) / 100) / 2
    square = sin(half_lat) ** 2 + cos(lat_here) * cos(lat_there) * sin(half_lon) ** 2
    return round(2 * _EARTH_KM * asin(sqrt(square)))
