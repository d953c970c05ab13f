"""Context values that a type's variables want. Some are to be recognised wherever they turn up."""

from __future__ import annotations

from .interface import v1

# Amounts and free text that must not leave the portal; no other number or word of the tests holds these.
SECRET_AMOUNT = 73519264
SECRET_WORDS = "Quagmire-Marmalade"
SECRET_DIGITS = str(SECRET_AMOUNT)


def context_value(name: str, variable_type: int, sensitivity: int) -> object:
    """A fitting value for one variable."""
    value = v1.ContextValue(name=name)
    # What a text may hold: words that must not leave, if the catalog says so, else the name in other words.
    is_hidden = sensitivity in (v1.SENSITIVITY_FINANCIAL, v1.SENSITIVITY_CONTENT)
    text = SECRET_WORDS if is_hidden else name.replace("_", "-") + "-7"
    types = v1
    if variable_type == types.VARIABLE_TYPE_INTEGER:
        value.integer = 3
    elif variable_type == types.VARIABLE_TYPE_DECIMAL:
        value.decimal = "2.50"
    elif variable_type == types.VARIABLE_TYPE_MONEY:
        value.money.currency_code = "EUR"
        value.money.minor_units = SECRET_AMOUNT
    elif variable_type == types.VARIABLE_TYPE_DATE:
        value.date.year, value.date.month, value.date.day = 2031, 5, 17
    elif variable_type == types.VARIABLE_TYPE_DATE_TIME:
        value.date_time.seconds = 1_936_000_000
    elif variable_type == types.VARIABLE_TYPE_EMAIL:
        value.text = "someone@contact.example"
    elif variable_type == types.VARIABLE_TYPE_PHONE:
        value.text = "+493012345678"
    elif variable_type == types.VARIABLE_TYPE_URL:
        value.url = "https://elsewhere.example/page"
    elif variable_type == types.VARIABLE_TYPE_BOOLEAN:
        value.boolean = True
    elif variable_type == types.VARIABLE_TYPE_ENUM:
        value.text = "other"
    elif variable_type == types.VARIABLE_TYPE_TEXT_LIST:
        value.text_list.values.append(text)
    elif variable_type == types.VARIABLE_TYPE_OBJECT_LIST:
        value.object_list.objects.add().fields.add(name="title", text=text)
    else:
        value.text = text
    return value
