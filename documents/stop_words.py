"""Stop words: words that say nothing by themselves, folded as `words.folded` does."""

# The commonest of widely written languages, except those that mean something in another of them:
# "war", "man", "den", "sin" and "dos" are missing.
_OF = {
    "en": """
        a an and are as at be been but by can could did do does for from had has have he her his how
        if in into is it its not of on or our she should so than that the their them then there
        these they this those to was we were what when where which who whom whose why will with
        would you your
    """,
    "de": """
        aber als auf aus bei bis das dass dem der des die diese diesem diesen dieser dieses ein eine
        einem einen einer eines hat ich ihr im ist mir nach nicht oder sich sie sind und vom von wer
        werden wie wird wo zu zum zur
    """,
    "fr": """
        avec ces cette dans de du elle en et ils je la le les leur nous ont ou quand que quelle
        quelles quels qui sont sur un une vous y
    """,
    "es": """
        al como con cuando cual cuales del el ella en entre es esta este fue las los mas muy para
        pero por se su sus
    """,
    "it": """
        alla alle che da dal dalla degli dei della delle di gli il nel nella non per perche piu sono
    """,
    "pt": "ao aos em na nos o pela pelo quais qual quando sao seu sua um uma",
    "nl": "aan bij een het maar niet ook op uit voor waar wat wij zijn",
    "da": "af det eller hvad hvor hvordan ikke jeg og som til ved",
    "sv": "ett hur inte jag och om",
}
STOP_WORDS = frozenset(" ".join(_OF.values()).split())
