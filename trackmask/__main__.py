from trackmask.cli import main

main()
