from shop.pages import all_of_it

all_of_it()
