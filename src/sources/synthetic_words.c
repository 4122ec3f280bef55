// SPDX-License-Identifier: MIT
#include "synthetic_words.h"

#define TEXTS static const char *const

TEXTS en_phrases[] = {"just got home and the kettle is already on",
                      "can't stop listening to this",
                      "who else is watching this right now?",
                      "that was the best match of the year",
                      "I said it before & I'll say it again",
                      "new post on the blog today",
                      "good morning everyone",
                      "thanks for following me",
                      "waiting for the train",
                      "they said \"never again\" and here we are",
                      "so proud of this team",
                      "coffee first, then the world",
                      "rain again, as if it were nothing",
                      "please share this with your friends",
                      "half price until midnight",
                      "what a goal",
                      "reading in the garden",
                      "see you all there on Friday",
                      NULL};
TEXTS en_words[] = {"love",    "music",  "news",   "sport",  "football", "photo",    "summer",
                    "travel",  "food",   "art",    "game",   "night",    "happy",    "work",
                    "live",    "world",  "cup",    "data",   "cloud",    "open",     "source",
                    "coffee",  "sunday", "monday", "friday", "morning",  "london",   "paris",
                    "tokyo",   "garden", "book",   "film",   "star",     "green",    "energy",
                    "climate", "school", "health", "family", "birthday", "dream",    "design",
                    "fashion", "street", "dog",    "cat",    "ocean",    "mountain", "river",
                    "run",     "win",    "final",  "vote",   "today",    "now",      "best",
                    "new",     "big",    "city",   "home",   "radio",    "show",     "tech",
                    "space",   "moon",   NULL};

TEXTS ja_phrases[] = {"おはようございます。今日も一日がんばりましょう",
                      "これはすごい！",
                      "電車が遅れてる…",
                      "新しい動画を公開しました",
                      "お腹すいたなあ",
                      "明日のライブ、楽しみすぎる",
                      "フォローありがとうございます",
                      "眠いけど最後まで見る",
                      "昨日の試合は最高だった",
                      "写真を撮りに行きたい",
                      "バルス！",
                      "雨が降ってきた☔️",
                      NULL};
TEXTS ja_words[] = {
    "日本",     "東京",   "アニメ",   "音楽",     "写真",         "猫",       "ライブ", "ゲーム",
    "桜",       "夏休み", "花火",     "拡散希望", "相互フォロー", "祭り",     "バルス", "天空の城",
    "ガンダム", "ｶﾞﾝﾀﾞﾑ", "カラオケ", "ｶﾗｵｹ",     "料理",         "旅行",     "京都",   "大阪",
    "北海道",   "温泉",   "野球",     "サッカー", "漫画",         "小説",     "お弁当", "朝ごはん",
    "青空",     "夕焼け", "海",       "富士山",   "新幹線",       "コーヒー", "宇宙",   "天気",
    "ニュース", "地震",   NULL};

TEXTS es_phrases[] = {"¡buenos días a todos!",
                      "¿quién más está viendo el partido?",
                      "mañana será otro día",
                      "gracias por todo, de corazón",
                      "no puedo creer lo que acabo de ver",
                      "el café de la mañana",
                      "qué golazo, señores",
                      "nos vemos el sábado en la plaza",
                      "última hora: seguimos informando",
                      "así empieza el año",
                      NULL};
TEXTS es_words[] = {
    "fútbol",    "españa", "méxico",  "música",   "niños", "mañana",    "corazón", "fiesta",
    "verano",    "playa",  "buenas",  "noticias", "años",  "selección", "campeón", "libertad",
    "educación", "café",   "viernes", "sábado",   "amor",  "vida",      "gente",   "barrio",
    "canción",   "baile",  "país",    "día",      "noche", "sueños",    "árbol",   NULL};

TEXTS pt_phrases[] = {"bom dia, gente!",
                      "não acredito que acabou assim",
                      "que saudade do verão",
                      "amanhã tem jogo",
                      "obrigado pelo carinho de sempre",
                      "é hoje!",
                      "chuva, café e pão de queijo",
                      "alguém mais acordado?",
                      "a melhor canção do ano",
                      NULL};
TEXTS pt_words[] = {"coração",  "são",    "paulo",    "brasil",   "seleção", "música",  "amanhã",
                    "saudade",  "praia",  "futebol",  "canção",   "avião",   "pão",     "irmãos",
                    "verão",    "feijão", "eleições", "notícias", "força",   "vitória", "família",
                    "carnaval", "lisboa", "açaí",     "ônibus",   "você",    NULL};

TEXTS ar_phrases[] = {
    "صباح الخير يا أصدقاء",    "اللهم لك الحمد",       "شاهدوا هذا الفيديو الجميل",
    "مباراة اليوم كانت رائعة", "شكرا لكم جميعا",       "أجمل الصور من المدينة",
    "عاجل: آخر الأخبار",       "القهوة أولا ثم العمل", NULL};
TEXTS ar_words[] = {"السعودية", "مصر",     "الرياض", "دبي",    "كرة",    "القدم", "رمضان",
                    "صباح",     "الخير",   "شعر",    "موسيقى", "أخبار",  "عاجل",  "الهلال",
                    "النصر",    "القاهرة", "حب",     "صور",    "سفر",    "قهوة",  "مطر",
                    "البحر",    "الجمعة",  "وطني",   "عمان",   "المغرب", NULL};

TEXTS ko_phrases[] = {"좋은 아침입니다",  "오늘 방송 꼭 보세요", "생일 축하해요!",
                      "너무 귀여워 ㅠㅠ", "퇴근하고 싶다",       "새 앨범이 나왔어요",
                      "사진 더 올릴게요", "비가 많이 오네요",    NULL};
TEXTS ko_words[] = {"한국", "서울",   "부산", "음악", "사랑", "방탄소년단", "엑소",
                    "생일", "축하해", "여름", "겨울", "커피", "고양이",     "강아지",
                    "여행", "사진",   "일상", "맛집", "축구", "야구",       "드라마",
                    "영화", "뉴스",   "바다", "하늘", "주말", "아침",       NULL};

TEXTS fr_phrases[] = {"bonjour à tous",
                      "où est passé l'été ?",
                      "ça commence bien…",
                      "quel match incroyable hier soir",
                      "rendez-vous à Nîmes dès demain",
                      "merci à toute l'équipe",
                      "un café, un livre, le bonheur",
                      NULL};
TEXTS fr_words[] = {"été",     "noël",     "forêt",   "élection", "café",   "cafe\u0301", "musique",
                    "garçon",  "français", "théâtre", "cinéma",   "marché", "île",        "hiver",
                    "liberté", "égalité",  "château", "paris",    "lyon",   "rentrée",    "bière",
                    "gâteau",  "lumière",  "vélo",    NULL};

TEXTS tr_phrases[] = {"günaydın arkadaşlar",
                      "çok güzel bir gün",
                      "maç ne zaman başlıyor?",
                      "iyi geceler Türkiye",
                      "teşekkür ederim",
                      "şarkıyı dinlemelisin",
                      NULL};
TEXTS tr_words[] = {"türkçe", "müzik",  "güneş", "gündem", "çocuk", "şarkı", "öğretmen",
                    "futbol", "ankara", "deniz", "yaz",    "kahve", "doğa",  "kültür",
                    "bayram", "haber",  "sanat", "mutlu",  "sevgi", "akşam", "sabah",
                    "yağmur", "dünya",  "köy",   NULL};

TEXTS ru_phrases[] = {"доброе утро всем!",
                      "кто смотрел вчерашний матч?",
                      "новости к этому часу",
                      "очень хочется лета",
                      "спасибо, что вы с нами",
                      "ёлка уже стоит",
                      NULL};
TEXTS ru_words[] = {"россия", "москва", "новости", "музыка", "любовь", "зима",  "ёлка",
                    "футбол", "погода", "утро",    "книга",  "город",  "спорт", "кино",
                    "весна",  "друзья", "звезда",  "космос", "работа", "школа", "театр",
                    "море",   "снег",   "чай",     NULL};

TEXTS de_phrases[] = {"guten Morgen zusammen",
                      "schöne Grüße aus München",
                      "das Spiel geht in die Verlängerung",
                      "heute wird's heiß",
                      "für alle, die früh aufstehen",
                      "Fußball & Bier, was sonst",
                      NULL};
TEXTS de_words[] = {"straße", "fußball", "münchen", "köln",  "grüße",      "frühling", "müde",
                    "wetter", "tatort",  "größe",   "äpfel", "österreich", "zürich",   "bücher",
                    "wahl",   "zug",     "heute",   "musik", "wochenende", "spaß",     "käse",
                    "süß",    "öffnung", "berlin",  NULL};

TEXTS el_phrases[] = {"καλημέρα σε όλους", "τι ωραία μέρα", "ο αγώνας αρχίζει τώρα", NULL};
TEXTS el_words[] = {"ελλάδα",  "αθήνα",  "μουσική", "κόσμος",  "ήλιος", "θάλασσα",
                    "νέα",     "αγάπη",  "φίλος",   "ουρανός", "καφές", "βιβλίο",
                    "σάββατο", "δρόμος", "ζωή",     "ύπνος",   NULL};

TEXTS he_phrases[] = {"בוקר טוב לכולם", "איזה משחק היה אתמול", "שבת שלום", NULL};
TEXTS he_words[] = {"ישראל", "ירושלים", "שבת",  "שלום", "אהבה", "מוזיקה", "כדורגל", "חדשות", "קפה",
                    "ים",    "שמש",     "לילה", "בוקר", "ספר",  "חיפה",   "גשם",    NULL};

TEXTS hi_phrases[] = {"सुप्रभात दोस्तों", "आज का मैच शानदार था", "सबको शुभकामनाएँ", "यह ज़रूर देखिए", NULL};
TEXTS hi_words[] = {"भारत",   "दिल्ली", "क्रिकेट", "संगीत",  "प्यार",   "हिन्दी", "दिवाली", "होली",
                    "समाचार", "मुंबई",   "किसान", "शिक्षा", "योग",    "चाय",   "बारिश",  "फिल्म",
                    "खेल",     "दोस्ती", "सुबह",   "गंगा",   "हिमालय", NULL};

TEXTS th_phrases[] = {"สวัสดีตอนเช้า", "คิดถึงทุกคนเลย", "วันนี้ฝนตกหนักมาก", "อร่อยที่สุดในโลก", NULL};
TEXTS th_words[] = {"ไทย",  "กรุงเทพ", "เชียงใหม่", "เพลง", "ความรัก", "อาหาร", "ทะเล",    "ฟุตบอล",
                    "ข่าว",  "หนัง",    "แมว",     "ฝนตก", "กาแฟ",   "เที่ยว",  "สงกรานต์", "วันหยุด",
                    "ดนตรี", "ภูเก็ต",   "สวย",     "คืนนี้",  "อรุณ",    NULL};

TEXTS zh_phrases[] = {"大家早上好", "今天的比赛太精彩了", "周末去哪里玩？", "新专辑终于发布了",
                      NULL};
TEXTS zh_words[] = {"中国", "台灣", "香港", "北京", "音樂", "電影",   "美食", "旅行",
                    "足球", "春节", "新闻", "天氣", "爱情", "朋友",   "咖啡", "攝影",
                    "大学", "高考", "熊猫", "长城", "月亮", "𠮷野家", NULL};

TEXTS vi_phrases[] = {"chào buổi sáng cả nhà", "trời hôm nay đẹp quá", "cà phê sữa đá nhé", NULL};
TEXTS vi_words[] = {"việt", "nam", "hà",  "nội", "bóng", "đá",   "phở",  "tết", "cà", "phê",
                    "sài",  "gòn", "đẹp", "yêu", "huế",  "biển", "nhạc", "mưa", NULL};

TEXTS pl_phrases[] = {"dzień dobry wszystkim", "ależ to był mecz", "żółta kartka? serio?", NULL};
TEXTS pl_words[] = {"polska",  "kraków", "łódź",   "miłość", "książka",   "muzyka",
                    "święta",  "żółw",   "piłka",  "gdańsk", "śnieg",     "wieś",
                    "chłopak", "źródło", "wybory", "kawa",   "niedziela", NULL};

TEXTS id_phrases[] = {"selamat pagi semuanya", "jangan lupa nonton nanti malam",
                      "terima kasih banyak ya", NULL};
TEXTS id_words[] = {"jakarta", "bandung", "indonesia", "sepak", "bola",   "cinta",
                    "musik",   "pagi",    "malam",     "makan", "kopi",   "hujan",
                    "liburan", "pantai",  "bali",      "teman", "berita", NULL};

const struct ht_synthetic_language ht_synthetic_languages[HT_SYNTHETIC_LANGUAGE_COUNT] = {
    {"en", 16, '\0', en_phrases, en_words}, {"ja", 9, '\0', ja_phrases, ja_words},
    {"es", 5, '\0', es_phrases, es_words},  {"pt", 4, '\0', pt_phrases, pt_words},
    {"ar", 4, '_', ar_phrases, ar_words},   {"ko", 4, '\0', ko_phrases, ko_words},
    {"fr", 3, '\0', fr_phrases, fr_words},  {"tr", 3, '\0', tr_phrases, tr_words},
    {"ru", 3, '\0', ru_phrases, ru_words},  {"de", 3, '\0', de_phrases, de_words},
    {"el", 1, '\0', el_phrases, el_words},  {"iw", 1, '_', he_phrases, he_words},
    {"hi", 2, '_', hi_phrases, hi_words},   {"th", 2, '\0', th_phrases, th_words},
    {"zh", 1, '\0', zh_phrases, zh_words},  {"vi", 1, '\0', vi_phrases, vi_words},
    {"pl", 1, '\0', pl_phrases, pl_words},  {"in", 1, '\0', id_phrases, id_words},
};

const char *const ht_synthetic_emoji[] = {
    "😂",  "😍",      "❤️", "🎉", "🔥", "👍🏽", "🇯🇵", "👨‍👩‍👧", "🙏", "…",
    "!!", "☕️", "⚽️", "💔", "😭", "🌍",        NULL};

const char *const ht_synthetic_names[] = {
    "Ada",   "Grace",   "José",  "Çağla",       "Łukasz", "Мария", "Дмитрий", "Ελένη",  "أحمد",
    "نورة",  "דוד",     "प्रिया", "สมชาย",       "さくら", "太郎",  "민지",    "王伟",   "Nguyễn",
    "Sofía", "João",    "Zoë",   "Jürgen",      "Amélie", "Budi",  "Mike 🏀",  "★Luna★", "ＭＡＸ",
    "𝓔𝓶𝓶𝓪",  "O\"Neil", "a\\b",  "Tom & Jerry", "Anna",   NULL};

const char *const ht_synthetic_locations[] = {
    "London",      "Tokyo / 東京", "São Paulo", "القاهرة", "İstanbul", "Москва", "서울", "",
    "Chicago, IL", "everywhere",   "Κρήτη",     "México",  "दिल्ली",    "🌍",      NULL};
