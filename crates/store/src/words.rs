//! Text as words to search by, the same on both databases because neither gets to split it: lower case, Latin letters
//! without their marks, each Chinese or Japanese character a word of its own. Next: `search.rs`.

/// Bytes of words kept of one text at most.
pub(crate) const MOST_BYTES: usize = 64 * 1024;
/// Characters of a word at most; the rest of it is not searched.
const LONGEST_WORD: usize = 80;

/// The words of a text, in order.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut length = 0;
    for letter in text
        .chars()
        .filter(|letter| !is_mark(*letter))
        .flat_map(char::to_lowercase)
    {
        if is_mark(letter) {
            continue;
        }
        if !letter.is_alphanumeric() || stands_alone(letter) {
            if length > 0 {
                words.push(std::mem::take(&mut word));
                length = 0;
            }
            if stands_alone(letter) {
                words.push(letter.to_string());
            }
        } else if length < LONGEST_WORD {
            plain(letter, &mut word);
            length += 1;
        }
    }
    if length > 0 {
        words.push(word);
    }
    words
}

/// The words of several texts in a row, separated by spaces, as many as fit.
pub(crate) fn joined<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut all = String::new();
    for text in texts {
        for word in words(text) {
            if all.len() + word.len() >= MOST_BYTES {
                return all;
            }
            if !all.is_empty() {
                all.push(' ');
            }
            all.push_str(&word);
        }
    }
    all
}

/// Whether a character is a word of its own, in scripts that put no spaces between words.
pub(crate) fn stands_alone(letter: char) -> bool {
    matches!(letter,
        '\u{3041}'..='\u{30ff}' // Hiragana and Katakana
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' // Han
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}')
        && letter.is_alphanumeric()
}

/// A mark that stands over or under the letter before it.
fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

/// A lower-case letter without its mark.
fn plain(letter: char, into: &mut String) {
    let base = match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        other => return into.push(other),
    };
    into.push_str(base);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_falls_into_words() {
        assert_eq!(
            words("NOAA storm-events_2025.csv.gz"),
            ["noaa", "storm", "events", "2025", "csv", "gz"]
        );
        assert_eq!(
            words("Énergie, GRÖßE; Łódź e\u{301}"),
            ["energie", "grosse", "lodz", "e"]
        );
        assert_eq!(
            words("気候データ2020年 v2"),
            ["気", "候", "デ", "ー", "タ", "2020", "年", "v2"]
        );
        assert!(
            words("\"' OR 1=1; -- *")
                .iter()
                .all(|word| word.chars().all(char::is_alphanumeric))
        );
        assert!(words(" \0\u{202e}—… ").is_empty());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        assert_eq!(words(&"a".repeat(1000))[0].len(), LONGEST_WORD);
        let long = "word ".repeat(100_000);
        assert!(joined([long.as_str(), "end"]).len() < MOST_BYTES);
    }
}
