"""`python -m upnext`."""

from upnext._cli import main

if __name__ == "__main__":
    main()
